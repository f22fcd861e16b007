package realdocker

import (
	"bytes"
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	armor "encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// An engine is a dockerd of the test's own, beside the machine's, of which it
// shares nothing: neither files nor the bridge.
type engine struct {
	t      *testing.T
	dir    string
	data   string // its data-root
	bridge string
	flags  []string // more of dockerd's
	cmd    *exec.Cmd
	log    *lockedBuffer
}

var bridges int

// newEngine starts an engine. Where this machine cannot have one, the test is
// skipped.
func newEngine(t *testing.T, flags ...string) *engine {
	t.Helper()
	return newEngineIn(t, "", flags...)
}

// newEngineIn starts one whose data-root is the folder data; empty: its own.
func newEngineIn(t *testing.T, data string, flags ...string) *engine {
	t.Helper()
	for _, program := range []string{"dockerd", "ip"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("no engine of the test's own: %v", err)
		}
	}
	if os.Getuid() != 0 {
		t.Skip("no engine of the test's own: dockerd needs root")
	}
	dir, err := os.MkdirTemp("", "pe") //nolint:usetesting // short, for sockets are in it
	if err != nil {
		t.Fatal(err)
	}
	bridges++
	e := &engine{t: t, dir: dir, data: cmp.Or(data, filepath.Join(dir, "data")), bridge: fmt.Sprintf("pt%d-%d", os.Getpid(), bridges), flags: flags}
	t.Cleanup(e.remove)
	e.must("ip", "link", "add", "name", e.bridge, "type", "bridge")
	e.must("ip", "addr", "add", fmt.Sprintf("10.%d.%d.1/24", 200+bridges, os.Getpid()%250), "dev", e.bridge)
	e.must("ip", "link", "set", e.bridge, "up")
	if err := os.WriteFile(filepath.Join(dir, "daemon.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	e.start()
	return e
}

func (e *engine) socket() string { return filepath.Join(e.dir, "docker.sock") }

// start starts dockerd, and waits until it answers.
func (e *engine) start() {
	e.t.Helper()
	file := func(name string) string { return filepath.Join(e.dir, name) }
	for _, name := range []string{"pid", "exec/containerd/containerd.pid"} { // one that was killed leaves them
		_ = os.Remove(file(name))
	}
	e.cmd = exec.Command("dockerd", append([]string{
		"--config-file", file("daemon.json"), "--data-root", e.data, "--exec-root", file("exec"), "--pidfile", file("pid"),
		"--bridge", e.bridge, "--iptables=false", "--ip-masq=false", "--host", "unix://" + e.socket(),
	}, e.flags...)...)
	e.log = &lockedBuffer{}
	e.cmd.Stdout, e.cmd.Stderr = e.log, e.log
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := e.cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	until(e.t, "dockerd answers", func() bool { return e.docker("version").Run() == nil })
}

// kill ends dockerd without a word.
func (e *engine) kill() {
	_ = e.cmd.Process.Kill()
	_ = e.cmd.Wait()
}

// crash kills everything of the engine without a warning, as a machine does
// that goes down: what it was started with names its folder.
func (e *engine) crash() {
	for range 3 { // what is killed may just have started something
		entries, _ := os.ReadDir("/proc")
		for _, entry := range entries {
			pid, err := strconv.Atoi(entry.Name())
			line := commandOf(pid)
			program, _, _ := strings.Cut(line, "\x00")
			if err == nil && strings.Contains(line, e.dir+"/") && slices.Contains([]string{"dockerd", "containerd", "containerd-shim-runc-v2"}, filepath.Base(program)) {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	}
	_ = e.cmd.Wait()
}

func (e *engine) docker(args ...string) *exec.Cmd {
	return exec.Command("docker", append([]string{"--host", "unix://" + e.socket()}, args...)...)
}

// load gives the engine an image of this machine's.
func (e *engine) load(image string) {
	e.t.Helper()
	save, load := exec.Command("docker", "save", image), e.docker("load")
	pipe, err := save.StdoutPipe()
	if err != nil {
		e.t.Fatal(err)
	}
	load.Stdin = pipe
	if err := save.Start(); err != nil {
		e.t.Fatal(err)
	}
	out, err := load.CombinedOutput()
	if waited := save.Wait(); err != nil || waited != nil {
		e.t.Fatalf("docker save | docker load: %v %v %s", waited, err, out)
	}
}

// mark puts a file into the engine's copy of an image.
func (e *engine) mark(image, file string) {
	e.t.Helper()
	e.must("docker", "--host", "unix://"+e.socket(), "run", "--name", "mark", "--net", "none", image, "touch", file)
	e.must("docker", "--host", "unix://"+e.socket(), "commit", "mark", image)
	e.must("docker", "--host", "unix://"+e.socket(), "rm", "mark")
}

// has lists the containers and volumes that popsicle made there, and its bases
// only where they are asked for.
func (e *engine) has(bases bool) []string {
	e.t.Helper()
	var found []string
	for _, list := range [][]string{
		{"ps", "--all", "--format", `container {{.Names}} {{.Label "popsicle.base"}}`},
		{"volume", "ls", "--format", `volume {{.Name}} {{.Label "popsicle.base"}}`},
	} {
		out, err := e.docker(append(list, "--filter", "label=popsicle.run")...).Output()
		if err != nil {
			e.t.Fatalf("docker %s: %v", list[0], err)
		}
		for line := range strings.Lines(string(out)) {
			if isBase := len(strings.Fields(line)) > 2; isBase == bases {
				found = append(found, strings.TrimSpace(line))
			}
		}
	}
	return found
}

func (e *engine) must(command ...string) {
	e.t.Helper()
	if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
		e.t.Fatalf("%s: %v: %s", strings.Join(command, " "), err, out)
	}
}

// remove ends the engine, with the containerd that it started, and leaves
// nothing of it.
func (e *engine) remove() {
	if e.cmd != nil && e.cmd.ProcessState == nil {
		_ = e.cmd.Process.Signal(syscall.SIGTERM)
		_ = e.cmd.Wait()
	}
	if text, err := os.ReadFile(filepath.Join(e.dir, "exec", "containerd", "containerd.pid")); err == nil {
		if pid, err := strconv.Atoi(string(bytes.TrimSpace(text))); err == nil && strings.Contains(commandOf(pid), e.dir) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	mounts, _ := os.ReadFile("/proc/self/mounts")
	for _, line := range slices.Backward(strings.Split(string(mounts), "\n")) {
		if fields := strings.Fields(line); len(fields) > 1 && (strings.HasPrefix(fields[1]+"/", e.dir+"/") || strings.HasPrefix(fields[1]+"/", e.data+"/")) {
			_ = syscall.Unmount(fields[1], syscall.MNT_DETACH)
		}
	}
	_ = exec.Command("ip", "link", "delete", e.bridge).Run() // it may not have come so far
	if err := os.RemoveAll(e.dir); err != nil {
		e.t.Errorf("engine: %v", err)
	}
	if e.t.Failed() && e.log != nil {
		text := e.log.String()
		e.t.Logf("the end of dockerd's log:\n%s", text[max(0, len(text)-2000):])
	}
}

func commandOf(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return string(text)
}

// until waits until something holds, and fails the test when it does not.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	tooLate := time.After(60 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-tooLate:
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

// freePort is a port of this machine that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// overTLS starts an engine that is reached over TCP with certificates on both
// sides, and returns the flags of runners add for it.
func overTLS(t *testing.T) (e *engine, flags []string) {
	t.Helper()
	keys, address := t.TempDir(), "tcp://127.0.0.1:"+freePort(t)
	ca, caKey := certify(t, keys, "ca", nil, nil)
	certify(t, keys, "server", ca, caKey)
	certify(t, keys, "", ca, caKey)
	file := func(name string) string { return filepath.Join(keys, name) }
	e = newEngine(t, "--host", address, "--tlsverify", "--tlscacert", file("ca.pem"), "--tlscert", file("server-cert.pem"), "--tlskey", file("server-key.pem"))
	return e, []string{"--host", address, "--tls-dir", keys}
}

// certify writes a certificate and its key: an authority's, where no other is
// given, the server's, or the client's, whose name is empty.
func certify(t *testing.T, dir, name string, ca *x509.Certificate, caKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<62)) // never fails
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "popsicle test " + name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	certFile, keyFile := name+"-cert.pem", name+"-key.pem"
	switch {
	case ca == nil:
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
		ca, caKey, certFile = c, key, "ca.pem"
	case name == "":
		certFile, keyFile = "cert.pem", "key.pem"
	}
	der, err := x509.CreateCertificate(rand.Reader, c, ca, &key.PublicKey, caKey)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*armor.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "EC PRIVATE KEY", Bytes: text}} {
		if err := os.WriteFile(filepath.Join(dir, file), armor.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return c, key
}

// overSSH starts an engine that is reached by ssh, and returns the flags of
// runners add for it. The sshd and the keys are the test's own; so is what ssh
// is told of them, which the ssh that docker starts has from the PATH.
func overSSH(t *testing.T) (e *engine, flags []string) {
	t.Helper()
	sshd, err := exec.LookPath("/usr/sbin/sshd")
	if err != nil {
		t.Skipf("no sshd of the test's own: %v", err)
	}
	ssh, err := exec.LookPath("ssh")
	if err != nil {
		t.Skipf("no ssh: %v", err)
	}
	e = newEngine(t)
	dir, port := t.TempDir(), freePort(t)
	file := func(name string) string { return filepath.Join(dir, name) }
	for _, key := range []string{"host", "user"} {
		e.must("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file(key))
	}
	public, err := os.ReadFile(file("user.pub"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"authorized_keys": string(public),
		"sshd_config": strings.Join([]string{
			"Port " + port, "ListenAddress 127.0.0.1", "HostKey " + file("host"), "PidFile " + file("pid"), "StrictModes no", "UsePAM no", "MaxStartups 100",
			"PermitRootLogin prohibit-password", "AuthorizedKeysFile " + file("authorized_keys"), "SetEnv DOCKER_HOST=unix://" + e.socket(),
		}, "\n"),
		"config": "Host *\n  IdentityFile " + file("user") + "\n  IdentitiesOnly yes\n  StrictHostKeyChecking no\n  UserKnownHostsFile " + file("known") +
			"\n  LogLevel ERROR\n  BatchMode yes\n  ControlMaster auto\n  ControlPersist 60\n  ControlPath " + file("c-%C") + "\n",
		"bin/ssh": "#!/bin/sh\nexec " + ssh + " -F " + file("config") + " \"$@\"\n",
	} {
		_ = os.Mkdir(file("bin"), 0o755) // the second time it is there
		if err := os.WriteFile(file(name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", file("bin")+":"+os.Getenv("PATH"))
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // sshd does not start without
		t.Skip(err)
	}
	server := exec.Command(sshd, "-D", "-e", "-f", file("sshd_config"))
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = exec.Command("ssh", "-O", "exit", "-p", port, "root@127.0.0.1").Run() // there may be no connection
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	return e, []string{"--host", "ssh://root@127.0.0.1:" + port}
}
