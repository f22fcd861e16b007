package commands

import (
	"errors"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/popsicle-ci/popsicle/runner"
)

// desktopAgent is where the virtual machine of Docker Desktop has the agent of
// its user.
// https://docs.docker.com/desktop/features/networking/networking-how-tos/#ssh-agent-forwarding
const desktopAgent = "/run/host-services/ssh-auth.sock"

// lendAgent forwards the user's agent where that is asked for.
func (l *launch) lendAgent() (takeBack func(), err error) {
	if !l.agent {
		return func() {}, nil
	}
	l.forwarded, takeBack, err = forwardAgent(engineName(l.engine))
	return takeBack, err
}

// forwardAgent lets jobs use the user's SSH agent, and names its keys. An agent
// answers none but its own user, so that jobs are given another socket, behind
// which a reader asks for them: they can list keys and sign, no more.
func forwardAgent(engine string) (*runner.Agent, func(), error) {
	socket := os.Getenv("SSH_AUTH_SOCK")
	if socket == "" {
		return nil, nil, usage("--ssh-agent: no agent is known here, for SSH_AUTH_SOCK is not set: eval $(ssh-agent); ssh-add")
	}
	path, local := strings.CutPrefix(engine, "unix://")
	if !local {
		return nil, nil, usage("--ssh-agent: the engine %s is not on this machine, and an agent cannot be mounted there: give keys with --ssh-key", engine)
	}
	keys, err := agentKeys(socket)
	if err != nil {
		return nil, nil, err
	}
	if runtime.GOOS != "linux" || strings.Contains(path, "/.docker/desktop/") {
		return &runner.Agent{Socket: desktopAgent, Fingerprints: keys}, func() {}, nil
	}
	dir, err := os.MkdirTemp("", "popsicle-agent-") // nobody else comes into it
	if err != nil {
		return nil, nil, err
	}
	given := filepath.Join(dir, "agent.sock")
	listener, err := net.Listen("unix", given)
	if err == nil {
		err = os.Chmod(given, 0o666) // for whatever user a container has
	}
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	log.SetOutput(io.Discard) // the library tells there what it refuses; nothing of popsicle's does
	go serveAgent(listener, socket)
	return &runner.Agent{Socket: given, Fingerprints: keys}, func() {
		_ = listener.Close() // removes the socket
		_ = os.RemoveAll(dir)
	}, nil
}

// agentKeys are the fingerprints of the keys that an agent has.
func agentKeys(socket string) (fingerprints []string, err error) {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return nil, usage("--ssh-agent: the agent of SSH_AUTH_SOCK does not answer: %w", err)
	}
	defer conn.Close()
	keys, err := agent.NewClient(conn).List()
	if err != nil {
		return nil, usage("--ssh-agent: the agent of SSH_AUTH_SOCK: %w", err)
	}
	for _, k := range keys {
		fingerprints = append(fingerprints, ssh.FingerprintSHA256(k), ssh.FingerprintLegacyMD5(k))
	}
	if len(keys) == 0 {
		err = usage("--ssh-agent: the agent has no keys: ssh-add")
	}
	return fingerprints, err
}

// serveAgent asks the user's agent for each that connects, until the listener
// is closed.
func serveAgent(listener net.Listener, socket string) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			up, err := net.Dial("unix", socket)
			if err != nil {
				return // the job sees that nobody answers
			}
			defer up.Close()
			_ = agent.ServeAgent(readOnly{agent.NewClient(up)}, conn) // until its program goes away
		}()
	}
}

// readOnly is an agent whose keys can be used and not changed.
type readOnly struct{ agent.ExtendedAgent }

var errReadOnly = errors.New("the agent is forwarded to be used, not to be changed")

func (readOnly) Add(agent.AddedKey) error                 { return errReadOnly }
func (readOnly) Remove(ssh.PublicKey) error               { return errReadOnly }
func (readOnly) RemoveAll() error                         { return errReadOnly }
func (readOnly) Lock([]byte) error                        { return errReadOnly }
func (readOnly) Unlock([]byte) error                      { return errReadOnly }
func (readOnly) Extension(string, []byte) ([]byte, error) { return nil, agent.ErrExtensionUnsupported }
