package gitops

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/plumbing/transport/ssh"
)

// A Login is how popsicle shows a server who it is.
type Login struct {
	// Token returns a token for a host, with its port where that is not the usual one, that is asked over https, "" for none:
	// then git's credential helpers are asked, as `gh auth setup-git` sets them up.
	Token func(host string) string
	// Key is the file of an ssh key without a passphrase; empty: the ssh agent.
	Key string
}

// auth makes what go-git shows the server at address.
func (l Login) auth(ctx context.Context, address string) (transport.AuthMethod, error) {
	end, err := transport.NewEndpoint(address)
	if err != nil {
		return nil, err
	}
	switch {
	case end.Protocol == "ssh" && l.Key != "":
		return ssh.NewPublicKeysFromFile(sshUser(end.User), l.Key, "")
	case end.Protocol == "ssh":
		return nil, nil // go-git asks the agent
	}
	if l.Token != nil {
		if token := l.Token(hostPort(end)); token != "" {
			return &http.BasicAuth{Username: "x-access-token", Password: token}, nil
		}
	}
	user, password := credential(ctx, end.Protocol, hostPort(end))
	if password == "" {
		return nil, nil
	}
	return &http.BasicAuth{Username: user, Password: password}, nil
}

// hostPort is a host as git's credential helpers and gh name it.
func hostPort(end *transport.Endpoint) string {
	if end.Port == 0 || end.Protocol == "https" && end.Port == 443 || end.Protocol == "http" && end.Port == 80 {
		return end.Host
	}
	return net.JoinHostPort(end.Host, strconv.Itoa(end.Port))
}

func sshUser(name string) string {
	if name == "" {
		return "git"
	}
	return name
}

// helperTime is how long a credential helper may think: one that wants to
// open a window has nobody to look at it.
const helperTime = 5 * time.Second

// credential asks git's credential helpers, those of the user's own
// configuration: no repository's configuration is read.
func credential(ctx context.Context, protocol, host string) (user, password string) {
	ctx, cancel := context.WithTimeout(ctx, helperTime)
	defer cancel()
	c := git("/", "credential", "fill")
	c.env = []string{"GIT_ASKPASS=", "SSH_ASKPASS=", "GIT_DIR=" + os.DevNull, "GIT_ALLOW_PROTOCOL="}
	c.stdin = strings.NewReader("protocol=" + protocol + "\nhost=" + host + "\n\n")
	out, err := c.output(ctx)
	if err != nil {
		return "", "" // no helper knows the host
	}
	for line := range strings.Lines(string(out)) {
		switch key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "="); key {
		case "username":
			user = value
		case "password":
			password = value
		}
	}
	return user, password
}

// ValidURL refuses addresses that are no repository on a server: a file, a
// program to run, plain http across a network, and secrets that would get
// into configuration and logs.
func ValidURL(address string) error {
	u, err := url.Parse(address)
	if err != nil || !strings.Contains(address, "://") {
		if host, path, short := strings.Cut(address, ":"); short && host != "" && !strings.ContainsAny(host, "/ ") && !strings.HasPrefix(host, "-") && !strings.HasPrefix(path, ":") && !strings.Contains(path, "://") {
			return nil // [user@]host:path
		}
		return errors.New("the address of a repository begins with https:// or ssh://")
	}
	_, secret := u.User.Password()
	ip := net.ParseIP(u.Hostname())
	here := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	secret = secret || u.User != nil && u.Scheme != "ssh" // a token may be the user's name
	u.User = nil
	switch {
	case u.Scheme != "https" && u.Scheme != "ssh" && (u.Scheme != "http" || !here):
		return fmt.Errorf("%s: only https and ssh are taken, and http from this machine", u)
	case u.Hostname() == "" || strings.HasPrefix(u.Hostname(), "-"):
		return fmt.Errorf("%s names no host", u)
	case secret:
		return fmt.Errorf("%s holds a secret: take it out, and set GH_TOKEN or a credential helper of git", u)
	}
	return nil
}
