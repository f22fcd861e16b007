package runner

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/popsicle-ci/popsicle/runner/docker"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// A Live is the container of a job that runs, as the step sees it that runs
// there now.
type Live struct {
	Step int // its number; 0: no command runs now

	cli       docker.CLI
	container string
	shell     string
	text      string // brings about what the step began in
}

// look tells of the newest command that runs: the shell there is, its step's
// number, its directory, and its variables as the kernel has them. It exits
// with 3 where none runs.
const look = `
shell=sh; [ -x /bin/bash ] && shell=bash
echo $shell
step=0
for file in /dev/shm/.popsicle-*/group-* "${TMPDIR:-/tmp}"/.popsicle-*/group-*; do
	[ -r "$file" ] && read -r id <"$file" && [ -r "/proc/$id/environ" ] || continue
	[ "${file##*-}" -gt "$step" ] && step=${file##*-} process=$id
done
[ "$step" = 0 ] && exit 3
cd "/proc/$process/cwd" || exit 3
echo "$step"
pwd -P
cat "/proc/$process/environ"`

// lookAgain and lookTime are how often, and for how long, a job between two
// commands is asked again.
const (
	lookAgain = 100 * time.Millisecond
	lookTime  = 2 * time.Second
)

// Enter looks into the container of a job that runs.
func Enter(ctx context.Context, cli docker.CLI, container string) (*Live, error) {
	l := &Live{cli: cli, container: container}
	tooLate := time.After(lookTime)
	for {
		var out bytes.Buffer
		code, said, err := cli.Exec(ctx, container, "", []string{"/bin/sh", "-c", look}, nil, &out)
		switch {
		case err != nil:
			return nil, err
		case code == 0:
			return l, l.parse(out.String())
		case code != 3:
			return nil, fmt.Errorf("container %s: exit code %d: %s", container, code, said)
		}
		l.shell = strings.TrimSpace(out.String())
		select {
		case <-time.After(lookAgain):
		case <-tooLate:
			return l, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// parse reads what look wrote.
func (l *Live) parse(out string) (err error) {
	lines := strings.SplitN(out, "\n", 4)
	if len(lines) < 4 {
		return fmt.Errorf("container %s says %q", l.container, out)
	}
	if l.Step, err = strconv.Atoi(lines[1]); err != nil {
		return fmt.Errorf("container %s: %w", l.container, err)
	}
	var vars []plan.Var
	for v := range strings.SplitSeq(strings.TrimSuffix(lines[3], "\x00"), "\x00") {
		name, value, _ := strings.Cut(v, "=")
		vars = append(vars, plan.Var{Name: name, Value: value})
	}
	text, _ := exports(vars) // what no shell can export, no shell has given it
	l.shell = lines[0]
	l.text = text + `[ ! -r "$BASH_ENV" ] || . "$BASH_ENV"` + "\ncd " + quote(lines[2]) + "\n"
	return nil
}

// Shell runs a shell in the container, and returns its exit code. What it
// begins in, which has secrets, goes there by standard input, into memory.
func (l *Live) Shell(ctx context.Context, in, out, stderr *os.File, terminal bool) (int, error) {
	file := fmt.Sprintf("%s/.popsicle-shell-%.8s", ramdisk, uuid())
	var none bytes.Buffer
	code, said, err := l.cli.Exec(ctx, l.container, "", []string{"/bin/sh", "-c", `umask 077; cat >"$0"`, file}, strings.NewReader(l.text), &none)
	if err == nil && code != 0 {
		err = fmt.Errorf("container %s: %s", l.container, said)
	}
	if err != nil {
		return 0, err
	}
	return l.cli.Interact(ctx, l.container, terminal, []string{"/bin/sh", "-c", entering(l.shell, terminal), file}, in, out, stderr)
}

// entering is the script that begins a shell in what a file brings about, and
// removes the file.
func entering(shell string, terminal bool) string {
	if terminal {
		shell += " -i"
	}
	return `. "$0"; rm -f "$0"; unset BASH_ENV; exec ` + shell
}
