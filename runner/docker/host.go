package docker

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// hostMark is the variable by which the processes of a job on this host are
// told from all others: its value is the job's folder.
const hostMark = "POPSICLE_HOST_JOB"

// hostEnd ends the process group of the job, then what bears the mark, again
// and again until nothing does, and removes the folders of the job. A step may
// have started what is in no group and no session of popsicle's; only Linux
// tells whose that is.
const hostEnd = `read -r _
trap '' HUP INT TERM
kill -KILL "-$2" 2>/dev/null
tries=
while found=$(grep -l -F -e "$1" /proc/[0-9]*/environ 2>/dev/null); [ "$found" ] && [ "$tries" != xxxxxxxxxxxxxxxxxxxx ]; do
	tries=x$tries
	for f in $found; do
		f=${f#/proc/}
		kill -KILL "${f%%/*}" 2>/dev/null
	done
	sleep 0.05
done
shift 2
chmod -R u+w "$1"
rm -rf "$@"`

// hostKeeps are the variables of popsicle's own environment that a job on this
// host gets: nothing that may be secret, or that leads to the user's own.
var hostKeeps = []string{"PATH", "LANG", "LC_ALL", "USER", "LOGNAME", "SHELL", "TZ"}

// OnHost runs a shell script on this machine itself, as a container is run: it
// ends with its input. Its home is a new folder, of which, and of all that it
// started, Close leaves nothing; nor does the death of this process, however
// it dies. Outside of Linux, which alone tells whose a process is, what has left
// the job's process group lives on.
func OnHost(name string, script ...string) (*Container, error) {
	dir, err := os.MkdirTemp("", name+"-")
	if err != nil {
		return nil, err
	}
	ct := &Container{Name: name, args: script, done: make(chan struct{}), host: &host{dir: dir}}
	ct.cmd = ct.host.command(context.Background(), script...)
	ct.cmd.Stderr = &ct.stderr
	if err = os.Mkdir(ct.host.temporary(), 0o700); err == nil {
		err = os.Mkdir(ct.host.home(), 0o700)
	}
	if err == nil {
		err = ct.host.begin(ct)
	}
	if err != nil {
		_ = os.RemoveAll(dir) // a new, empty folder
		return nil, err
	}
	return ct, nil
}

// A host is where a job runs without a container.
type host struct {
	dir  string
	will *Will
}

func (h *host) home() string      { return filepath.Join(h.dir, "home") }
func (h *host) temporary() string { return filepath.Join(h.dir, "tmp") }

// command prepares a shell with the mark of the job.
func (h *host) command(ctx context.Context, script ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/bin/sh", append([]string{"-c"}, script...)...)
	cmd.Dir = h.home()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); slices.Contains(hostKeeps, name) {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "HOME="+h.home(), "TMPDIR="+h.temporary(), hostMark+"="+h.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// begin starts the shell of the job, and the one that waits for its end.
func (h *host) begin(ct *Container) (err error) {
	if ct.Stdin, err = ct.cmd.StdinPipe(); err != nil {
		return err
	}
	stdout, err := ct.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := ct.cmd.Start(); err != nil {
		return err
	}
	// What the driver has in memory is named by its process.
	memory := "/dev/shm/.popsicle-" + strconv.Itoa(ct.cmd.Process.Pid)
	if h.will, err = newWill(hostEnd, nil, hostMark+"="+h.dir, strconv.Itoa(ct.cmd.Process.Pid), h.dir, memory, "/tmp/."+ct.Name); err != nil {
		_ = ct.cmd.Process.Kill()
		_ = ct.cmd.Wait()
		return err
	}
	ended := make(chan struct{})
	ct.Stdout = &untilEOF{stdout, sync.OnceFunc(func() { close(ended) })}
	go func() {
		<-ended
		_ = ct.cmd.Wait() // it is killed, by itself or by the will
		close(ct.done)
	}()
	return nil
}

// close ends all of the job. It returns when nothing of it is left, or when
// ctx ends.
func (h *host) close(ctx context.Context) error {
	executed := make(chan error, 1)
	go func() { executed <- h.will.execute() }()
	select {
	case err := <-executed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
