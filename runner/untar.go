package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// blockSize is the driver's unit of tar, in bytes; a chunk holds at most
// chunkSize bytes, and costs the driver a process.
const (
	blockSize = 64 << 10
	chunkSize = 32 * blockSize
)

// untar unpacks what write produces, a tar, into a folder of the container.
func (s *session) untar(ctx context.Context, dir string, write func(io.Writer) error) error {
	// A write to a container that does not read hears of no cancel.
	stop := context.AfterFunc(ctx, func() { _ = s.in.Close() }) // the container ends by it
	defer stop()
	s.send("untar " + dir + "\n")
	w := &chunks{to: s.in}
	err := write(w)
	if err == nil {
		err = w.close()
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, syscall.EPIPE), errors.Is(err, os.ErrClosed):
		return s.lost()
	case err != nil:
		return err // the driver waits for a rest that never comes: the caller gives the container up
	}
	code, err := s.answer(ctx)
	if err == nil && code != 0 {
		err = fmt.Errorf("unpacking files into %s: tar in the container exited with %d", dir, code)
	}
	return err
}

// chunks writes a stream as the driver's untar reads it.
type chunks struct {
	to  io.Writer
	buf []byte
}

func (c *chunks) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		take := min(len(p), chunkSize-len(c.buf))
		c.buf, p = append(c.buf, p[:take]...), p[take:]
		if len(c.buf) == chunkSize {
			if err := c.flush(); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}

// flush writes what there is, padded to whole blocks: after its end a tar may
// hold any number of zeros.
func (c *chunks) flush() error {
	if len(c.buf) == 0 {
		return nil
	}
	blocks := (len(c.buf) + blockSize - 1) / blockSize
	c.buf = append(c.buf, make([]byte, blocks*blockSize-len(c.buf))...)
	if _, err := fmt.Fprintf(c.to, "%d\n", blocks); err != nil {
		return err
	}
	_, err := c.to.Write(c.buf)
	c.buf = c.buf[:0]
	return err
}

func (c *chunks) close() error {
	if err := c.flush(); err != nil {
		return err
	}
	_, err := io.WriteString(c.to, "0\n")
	return err
}
