package commands

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/popsicle-ci/popsicle/db"
)

// certificate writes a certificate for a name, and its key.
func certificate(t *testing.T, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{name}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for file, block := range map[string]*pem.Block{"cert": {Type: "CERTIFICATE", Bytes: der}, "key": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "cert"), filepath.Join(dir, "key")
}

// TestListenOn refuses every address that others reach while nothing tells
// them from anybody.
func TestListenOn(t *testing.T) {
	history, err := db.Open(t.Context(), filepath.Join(t.TempDir(), "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer history.Close()
	cert, key := certificate(t, "ci.example.com")
	tls := front{Cert: cert, Key: key}
	try := func(s settings, refused string) {
		t.Helper()
		l, err := listenOn(t.Context(), s, history)
		if l != nil {
			l.Close()
		}
		if (err == nil) != (refused == "") || err != nil && !strings.Contains(err.Error(), refused) {
			t.Errorf("%+v: %v; want %q", s, err, refused)
		}
	}
	try(settings{Listen: "127.0.0.1:0"}, "")
	try(settings{Listen: "localhost:0"}, "")
	try(settings{Listen: "127.0.0.1:0", Unsigned: true}, "")
	for _, others := range []string{"0.0.0.0:0", ":0", "[::]:0"} {
		try(settings{Listen: others}, "neither a token nor TLS")
		try(settings{Listen: others, Unsigned: true, front: tls}, "--unsigned")
		try(settings{Listen: others, front: tls}, "")
	}
	try(settings{Listen: "127.0.0.1"}, "HOST:PORT")
	try(settings{Listen: "127.0.0.1:0", front: front{Cert: cert}}, "needs both")
	try(settings{Listen: "127.0.0.1:0", front: front{Cert: cert, Key: cert}}, "--tls-key")
	try(settings{Listen: "127.0.0.1:0", front: front{Hosts: []string{"https://ci.example.com"}}}, "a name alone")
	try(settings{Listen: "127.0.0.1:0", front: front{Rate: -1}}, "--rate")
	if _, err := history.NewToken(t.Context(), "old", db.ScopeRead, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	try(settings{Listen: ":0"}, "neither a token nor TLS")
	if _, err := history.NewToken(t.Context(), "new", db.ScopeRead, time.Time{}); err != nil {
		t.Fatal(err)
	}
	try(settings{Listen: ":0"}, "")
}

// TestRenewedCertificate changes the files under a listener.
func TestRenewedCertificate(t *testing.T) {
	f := front{}
	f.Cert, f.Key = certificate(t, "old.example.com")
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l, err := f.secured(plain)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.(*tls.Conn).Handshake() // the other side says what went wrong
			_ = c.Close()
		}
	}()
	name := func() string {
		c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].DNSNames[0]
	}
	if got := name(); got != "old.example.com" {
		t.Errorf("the certificate is of %s", got)
	}
	cert, key := certificate(t, "new.example.com")
	for from, to := range map[string]string{cert: f.Cert, key: f.Key} {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	if got := name(); got != "new.example.com" {
		t.Errorf("after a renewal the certificate is of %s", got)
	}
}
