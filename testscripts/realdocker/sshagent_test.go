package realdocker

import (
	"crypto/ed25519"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/popsicle-ci/popsicle/testscripts/images"
)

// askAgent asks an agent in its own language: for its keys, and to forget them.
const askAgent = `import os, socket, struct
def ask(kind):
    s = socket.socket(socket.AF_UNIX)
    s.connect(os.environ["SSH_AUTH_SOCK"])
    s.sendall(struct.pack(">IB", 1, kind))
    n = struct.unpack(">I", s.recv(4))[0]
    answer = b""
    while len(answer) < n:
        answer += s.recv(n - len(answer))
    return answer
keys = ask(11)
print("keys", struct.unpack(">I", keys[1:5])[0], b"a key for tests" in keys)
print("forgets", ask(19)[0] == 6)
`

// TestAgentIsForwarded lets a job whose user is not this one use an agent, and
// not change it; a job that asks for no keys does not get it.
func TestAgentIsForwarded(t *testing.T) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: key, Comment: "a key for tests"}); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "agent")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(ring, conn) }() // until the other side goes
		}
	}()
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	p := newPlace(t, map[string]string{"ask.py": askAgent, ".popsicle/ci.yml": `version: 2.1
jobs:
  asks:
    docker: [{image: IMAGE}]
    steps:
      - checkout
      - add_ssh_keys: {fingerprints: ["FINGERPRINT", "SHA256:unknown"]}
      - run: id -un; python3 ask.py
  other:
    docker: [{image: IMAGE}]
    steps: [{run: 'echo "agent: ${SSH_AUTH_SOCK-none}"; ls /.popsicle/agent.sock || echo nothing there'}]
workflows: {main: {jobs: [asks, other]}}
`})
	edit(t, p, "sed -i 's|IMAGE|"+images.Cimg(t)+"|; s|FINGERPRINT|"+ssh.FingerprintSHA256(public)+"|' .popsicle/ci.yml")

	run := func(code int, env ...string) string {
		t.Helper()
		cmd := p.command("run", "--ssh-agent")
		cmd.Env = append(cmd.Env, env...)
		out, _ := cmd.CombinedOutput() // the code is looked at
		if got := cmd.ProcessState.ExitCode(); got != code {
			t.Fatalf("exit code %d:\n%s", got, out)
		}
		return string(out)
	}
	out := run(0, "SSH_AUTH_SOCK="+socket)
	for _, want := range []string{
		"Your SSH agent can be used", "| circleci\n", "| keys 1 True\n", "| forgets False\n", "popsicle run --ssh-key SHA256:unknown=FILE", "| agent: none\n", "| nothing there\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if keys, err := ring.List(); err != nil || len(keys) != 1 {
		t.Errorf("the agent has %v, %v", keys, err)
	}
	if out := run(2, "SSH_AUTH_SOCK="); !strings.Contains(out, "SSH_AUTH_SOCK is not set") {
		t.Errorf("without an agent it says %q", out)
	}
	if err := ring.RemoveAll(); err != nil {
		t.Fatal(err)
	}
	if out := run(2, "SSH_AUTH_SOCK="+socket); !strings.Contains(out, "the agent has no keys: ssh-add") {
		t.Errorf("without keys it says %q", out)
	}
	if out := run(2, "SSH_AUTH_SOCK="+socket, "DOCKER_HOST=tcp://127.0.0.1:1"); !strings.Contains(out, "is not on this machine") {
		t.Errorf("for an engine elsewhere it says %q", out)
	}
}
