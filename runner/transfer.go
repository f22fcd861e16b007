package runner

import (
	"context"
	"fmt"
	"io"
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
// and said the end of its standard error.
func (j *job) outside(ctx context.Context, script string, in io.Reader, out io.Writer) (code int, said string, err error) {
	return j.container.Exec(ctx, j.plan.Images[0].User, script, in, out)
}
