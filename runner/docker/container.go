package docker

import (
	"context"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A Spec is what a container is made of. Nothing in it is secret: it can be
// read with docker inspect, and most of it on the process list.
type Spec struct {
	Name       string
	Image      string
	Entrypoint []string // in place of the image's own; nil: that one
	Command    []string
	User       string
	Platform   string
	Labels     map[string]string
	Mounts     []Mount
	Env        []string // "NAME=value"
	Hosts      []string // more names for 127.0.0.1
	Groups     []string // more groups of the user, by number
	Memories   []string // folders that lie in memory, for everybody to write into
	CPUs       int      // 0: all
	Memory     int64    // bytes, 0: all
	Power      Power    // what it may do to the engine's host
	Network    string   // "container:NAME" shares another's; empty: the engine's default
	Stays      bool     // when it has ended it stays on the engine, until it is removed
}

// A Mount is something a container sees at Target.
type Mount struct {
	Target   string
	Volume   string            // volume by name; empty with Options: one that goes with the container
	Options  map[string]string // of the local volume driver
	Bind     string            // path on the engine's host, mounted read-only unless Writable
	Writable bool
	Labels   map[string]string // of a volume that the mount makes
	ReadOnly bool
}

func (m Mount) arg() string {
	fields := []string{"type=volume", "target=" + m.Target}
	if m.Bind != "" {
		fields = []string{"type=bind", "source=" + m.Bind, "target=" + m.Target}
		m.ReadOnly = !m.Writable
	}
	if m.Volume != "" {
		fields = append(fields, "source="+m.Volume)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Options)) {
		fields = append(fields, "volume-opt="+name+"="+m.Options[name])
	}
	for _, name := range slices.Sorted(maps.Keys(m.Labels)) {
		fields = append(fields, "volume-label="+name+"="+m.Labels[name])
	}
	if m.ReadOnly {
		fields = append(fields, "ro") // podman does not know readonly for volumes
	}
	return csv(fields)
}

// csv joins fields as docker's --mount wants them, quoted where they hold a
// comma or a quote.
func csv(fields []string) string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = f
		if strings.ContainsAny(f, ",\"\n") {
			out[i] = `"` + strings.ReplaceAll(f, `"`, `""`) + `"`
		}
	}
	return strings.Join(out, ",")
}

// args is the one docker run of a live container. --init, because a shell as
// process 1 ignores signals.
func (s Spec) args() []string {
	return append([]string{"run", "--interactive", "--init"}, s.rest()...)
}

// rest is what containers are run with. --log-driver none, because the
// engine must not write the log a second time; --pull never, because a pull
// has a progress of its own to show.
func (s Spec) rest() []string {
	args := []string{"--pull", "never", "--log-driver", "none", "--name", s.Name}
	if !s.Stays {
		args = append([]string{"--rm"}, args...)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Labels)) {
		args = append(args, "--label", name+"="+s.Labels[name])
	}
	for _, opt := range [][2]string{{"--user", s.User}, {"--platform", s.Platform}, {"--network", s.Network}} {
		if opt[1] != "" {
			args = append(args, opt[0], opt[1])
		}
	}
	for _, host := range s.Hosts {
		args = append(args, "--add-host", host+":127.0.0.1")
	}
	args = append(args, s.powers()...)
	env, _ := s.environment()
	args = append(args, env...)
	command := s.Command
	if len(s.Entrypoint) > 0 {
		args = append(args, "--entrypoint", s.Entrypoint[0])
		command = append(slices.Clone(s.Entrypoint[1:]), command...)
	}
	for _, m := range s.Mounts {
		args = append(args, "--mount", m.arg())
	}
	return append(append(args, s.Image), command...)
}

// powers are the flags about what the container has and may.
func (s Spec) powers() []string {
	var args []string
	args = append(args, s.Power.flags()...)
	for _, g := range s.Groups {
		args = append(args, "--group-add", g)
	}
	if s.CPUs > 0 {
		args = append(args, "--cpus", strconv.Itoa(s.CPUs))
	}
	if s.Memory > 0 { // with as much swap, more would be used than asked for
		args = append(args, "--memory", strconv.FormatInt(s.Memory, 10), "--memory-swap", strconv.FormatInt(s.Memory, 10))
	}
	for _, m := range s.Memories {
		args = append(args, "--tmpfs", m+":rw,exec,mode=1777")
	}
	return args
}

// environment is the flags that set the container's variables, and what of
// them the client must have in its own environment: values stay off the
// process list, but for those that would make it another client.
func (s Spec) environment() (flags, client []string) {
	for _, v := range s.Env {
		name, _, _ := strings.Cut(v, "=")
		if clientReads(name) {
			name = v
		} else {
			client = append(client, v)
		}
		flags = append(flags, "--env", name)
	}
	return flags, client
}

// clientReads says whether a variable means something to a docker client, or
// to the programs that it starts.
func clientReads(name string) bool {
	for _, p := range []string{"DOCKER_", "BUILDX_", "CONTAINER", "PODMAN_", "XDG_", "SSH_", "LD_", "DYLD_", "GO", "SSL_"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return slices.Contains([]string{"PATH", "HOME", "TMPDIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"}, strings.ToUpper(name))
}

// A Container is a live container and the docker client that holds it. It
// ends when Stdin is closed, if what runs in it heeds end of file.
type Container struct {
	Name   string
	Stdin  io.WriteCloser
	Stdout io.Reader

	cli    CLI
	args   []string
	cmd    *exec.Cmd
	stderr tail
	done   chan struct{}
	err    error
	stays  bool
	host   *host // nil: it is a container indeed
}

// Start runs a container that lives as long as its client: the caller writes
// Stdin, reads Stdout to its end, and must call Wait or Remove. An error that
// the engine has with the container comes from Wait, after Stdout ended.
func (c CLI) Start(s Spec) (*Container, error) {
	ct := &Container{Name: s.Name, cli: c, args: c.dialect().fit(s).args(), done: make(chan struct{}), stays: s.Stays}
	ct.cmd = c.command(context.Background(), ct.args...)
	ct.cmd.Stderr = &ct.stderr
	var err error
	if ct.Stdin, err = ct.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := ct.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := ct.cmd.Start(); err != nil {
		return nil, c.failure(ct.args, err, "")
	}
	ended := make(chan struct{})
	ct.Stdout = &untilEOF{stdout, sync.OnceFunc(func() { close(ended) })}
	go ct.reap(ended)
	return ct, nil
}

// reap waits for the client once its output was read to the end.
func (ct *Container) reap(ended chan struct{}) {
	<-ended
	if err := ct.cmd.Wait(); err != nil {
		ct.err = ct.cli.failure(ct.args, err, ct.stderr.String())
	}
	close(ct.done)
}

// Wait returns when the client has ended and with it the container, which is
// gone unless it Stays. The error is that of the client's exit code: of the
// engine (125), or of the program the container ran.
func (ct *Container) Wait() error {
	<-ct.done
	return ct.err
}

// Done is closed when the client has ended.
func (ct *Container) Done() <-chan struct{} { return ct.done }

// Said returns the end of what the client and the container's program wrote
// to standard error.
func (ct *Container) Said() string { return lastLines(ct.stderr.String()) }

// untilEOF tells when a reader has come to its end.
type untilEOF struct {
	io.Reader
	ended func()
}

func (r *untilEOF) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil {
		r.ended()
	}
	return n, err
}
