package runner

import (
	"context"
	"fmt"
	"io"
	"time"
)

// Files go into a job's container and out of it as tar, whatever engine it is
// on: nothing here needs a path that both sides see.

// send unpacks a tar into a folder of the container, by the container's own
// tar or, where it has none, by docker cp.
func (j *job) send(ctx context.Context, dir string, write func(io.Writer) error) error {
	if j.session.hello.Tar {
		return j.session.untar(ctx, dir, write)
	}
	code, err := j.session.eval(ctx, "mkdir -p "+quote(dir))
	if err == nil && code != 0 {
		err = fmt.Errorf("folder %s: mkdir exited with %d", dir, code)
	}
	if err != nil {
		return err
	}
	r, w := io.Pipe()
	go func() { w.CloseWithError(write(w)) }()
	defer r.Close()
	return j.runner.Docker.CopyInto(ctx, j.container.Name, dir, r)
}

// outside runs a script in a shell beside the steps, with the variables of the
// image alone, and writes what it prints to out. The code is the script's own
// and said the end of its standard error. That the container ended under it is
// an error: the script's code, 137, would blame the script.
func (j *job) outside(ctx context.Context, script string, in io.Reader, out io.Writer) (code int, said string, err error) {
	code, said, err = j.container.Exec(ctx, j.plan.Images[0].User, script, in, out)
	if ctx.Err() == nil && (err != nil || code > 125) {
		if gone := j.gone(ctx); gone != nil {
			return 0, said, gone
		}
	}
	return code, said, err
}

// gone returns why the container ended, or nil where it still takes commands.
func (j *job) gone(ctx context.Context) error {
	if code, _, err := j.container.Exec(ctx, j.plan.Images[0].User, ":", nil, io.Discard); err == nil && code == 0 {
		return nil
	}
	select { // the end of one client may be heard of before that of another
	case <-j.session.ended:
		return j.session.lost()
	case <-ctx.Done():
	case <-time.After(closePatience):
	}
	return nil
}
