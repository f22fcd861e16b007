package commands

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/db"
)

// A front is how a daemon is reached.
type front struct {
	Cert, Key string   // PEM files; empty: without TLS
	Hosts     []string // names that it is asked for by, in lower case
	Rate      int      // requests to the API that a client may make in a second
}

// defaultRate is far above what a page or a script needs.
const defaultRate = 50

func frontFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "host", Usage: "answer to the `NAME` too, behind a reverse proxy or off this machine (repeatable)"},
		&cli.StringFlag{Name: "tls-cert", Usage: "speak TLS with the certificates in `FILE`, PEM; a renewed file is read by itself"},
		&cli.StringFlag{Name: "tls-key", Usage: "the private key of --tls-cert, a PEM `FILE`"},
		&cli.IntFlag{Name: "rate", Usage: "answer `N` API requests of a client in a second", DefaultText: "50"},
	}
}

func flaggedFront(c *cli.Command) front {
	return front{Cert: c.String("tls-cert"), Key: c.String("tls-key"), Hosts: c.StringSlice("host"), Rate: c.Int("rate")}
}

// over puts what flags said over what the config did.
func (f front) over(s *front) {
	if f.Cert != "" || f.Key != "" {
		s.Cert, s.Key = f.Cert, f.Key
	}
	s.Hosts = append(s.Hosts, f.Hosts...)
	for i, name := range s.Hosts {
		s.Hosts[i] = strings.ToLower(name)
	}
	if f.Rate != 0 {
		s.Rate = f.Rate
	}
	if s.Rate == 0 {
		s.Rate = defaultRate
	}
}

// check refuses what is half said.
func (f front) check() error {
	switch {
	case (f.Cert == "") != (f.Key == ""):
		return usage("TLS needs both: --tls-cert FILE and --tls-key FILE")
	case f.Rate < 0:
		return usage("--rate %d: want a number above 0", f.Rate)
	}
	for _, name := range f.Hosts {
		if name == "" || strings.ContainsAny(name, ":/[] ") {
			return usage("--host %q: want a name alone, like ci.example.com", name)
		}
	}
	return nil
}

// secured speaks TLS on l where there is a certificate for it. The files are
// read at each handshake: who renews them need not tell the daemon.
func (f front) secured(l net.Listener) (net.Listener, error) {
	if f.Cert == "" {
		return l, nil
	}
	load := func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		return &pair, err
	}
	if _, err := load(nil); err != nil {
		return nil, usage("--tls-cert and --tls-key: %w", err)
	}
	return tls.NewListener(l, &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: load}), nil
}

// listenOn opens the address. Without signatures, only this machine may
// speak; and only this machine, where there is neither a token nor TLS.
func listenOn(ctx context.Context, s settings, history *db.DB) (net.Listener, error) {
	host, _, err := net.SplitHostPort(s.Listen)
	if err != nil {
		return nil, usage("--listen %s: an address is HOST:PORT", s.Listen)
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	ip := net.ParseIP(host)
	if off := host != "localhost" && (ip == nil || !ip.IsLoopback()); off && s.Unsigned {
		return nil, usage("--unsigned with --listen %s: without signatures the daemon listens on 127.0.0.1 alone", s.Listen)
	} else if off && s.Cert == "" {
		if err := hasToken(ctx, s.Listen, history); err != nil {
			return nil, err
		}
	}
	l, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return nil, usage("--listen %s: %w", s.Listen, err)
	}
	secured, err := s.secured(l)
	if err != nil {
		_ = l.Close() // the error says enough
	}
	return secured, err
}

// hasToken refuses an address that others reach, where nobody could be told
// from anybody.
func hasToken(ctx context.Context, listen string, history *db.DB) error {
	tokens, err := history.Tokens(ctx)
	if err != nil {
		return err
	}
	for _, t := range tokens {
		if t.Expires.IsZero() || t.Expires.After(time.Now()) {
			return nil
		}
	}
	return usage(`--listen %s: others reach that, and there is neither a token nor TLS
  popsicle daemon token create NAME             makes a token: send it over a network of your own only
  popsicle daemon --tls-cert FILE --tls-key FILE speaks TLS`, listen)
}
