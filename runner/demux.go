package runner

import "bytes"

// A demux takes apart what a container's driver writes: the output of steps,
// byte for byte, and between it control lines, which begin with the job's
// token and end with a newline. A long line of a background step can be torn
// apart by a control line of another process: a pipe takes only 4 KiB at once.
type demux struct {
	token   []byte
	text    func([]byte) // output of the running step; the bytes are only lent
	control func(string) // what follows the token on a control line

	rest []byte // a control line, or the beginning of a token, that is not whole yet
}

// Write takes the next piece of the stream.
func (d *demux) Write(p []byte) (int, error) {
	n := len(p)
	if len(d.rest) > 0 {
		p = append(d.rest, p...)
		d.rest = nil
	}
	for len(p) > 0 {
		p = d.next(p)
	}
	return n, nil
}

// next handles what p begins with and returns what is after it; what is not
// whole yet goes into rest.
func (d *demux) next(p []byte) []byte {
	at := bytes.Index(p, d.token)
	if at < 0 {
		keep := overlap(p, d.token)
		d.emit(p[:len(p)-keep])
		d.rest = bytes.Clone(p[len(p)-keep:])
		return nil
	}
	d.emit(p[:at])
	line := p[at+len(d.token):]
	end := bytes.IndexByte(line, '\n')
	if torn := bytes.Index(line[:max(end, 0)], d.token); torn >= 0 {
		d.control(string(bytes.TrimPrefix(line[:torn], []byte(" "))))
		return line[torn:]
	}
	if end < 0 {
		d.rest = bytes.Clone(p[at:])
		return nil
	}
	d.control(string(bytes.TrimPrefix(line[:end], []byte(" "))))
	return line[end+1:]
}

func (d *demux) emit(p []byte) {
	if len(p) > 0 {
		d.text(p)
	}
}

// Flush emits what was held back at the end of the stream.
func (d *demux) Flush() {
	d.emit(d.rest)
	d.rest = nil
}

// overlap returns the length of the longest end of p that token begins with.
func overlap(p, token []byte) int {
	for n := min(len(p), len(token)-1); n > 0; n-- {
		if bytes.HasPrefix(token, p[len(p)-n:]) {
			return n
		}
	}
	return 0
}
