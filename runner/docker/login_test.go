package docker

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRegistryOf(t *testing.T) {
	for ref, want := range map[string]string{
		"alpine":                                hub,
		"cimg/base:stable":                      hub,
		"docker.io/library/alpine":              hub,
		"ghcr.io/ada/app@sha256:00":             "ghcr.io",
		"localhost/app":                         "localhost",
		"127.0.0.1:5000/app:1":                  "127.0.0.1:5000",
		"1.dkr.ecr.eu-west-1.amazonaws.com/app": "1.dkr.ecr.eu-west-1.amazonaws.com",
	} {
		if got := registryOf(ref); got != want {
			t.Errorf("%s is of %s, want %s", ref, got, want)
		}
	}
}

// write makes a file and its folder.
func write(t *testing.T, file, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// users makes a docker config with a context "far", in use.
func users(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "config.json"), `{"auths":{"theirs.example":{"auth":"eDp5"}},"credsStore":"keychain","currentContext":"far"}`, 0o600)
	id := fmt.Sprintf("%x", sha256.Sum256([]byte("far")))
	write(t, filepath.Join(dir, "contexts", "meta", id, "meta.json"), `{"Name":"far","Endpoints":{"docker":{"Host":"ssh://ada@far.example"}}}`, 0o600)
	t.Setenv("DOCKER_HOST", "")
	t.Setenv("DOCKER_CONTEXT", "")
	t.Setenv("DOCKER_CONFIG", dir)
	return dir
}

func TestEndpoint(t *testing.T) {
	users(t)
	for _, c := range []struct {
		host, context, given, want string
	}{
		{want: "ssh://ada@far.example"},
		{context: "default", want: defaultSocket},
		{context: "nobody's", want: "context nobody's"},
		{host: "tcp://1.2.3.4:2376", context: "default", want: "tcp://1.2.3.4:2376"},
		{host: "tcp://1.2.3.4:2376", given: "unix:///run/mine.sock", want: "unix:///run/mine.sock"},
	} {
		t.Setenv("DOCKER_HOST", c.host)
		t.Setenv("DOCKER_CONTEXT", c.context)
		if got := (CLI{Host: c.given}).Endpoint(); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
	t.Setenv("DOCKER_HOST", "")
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	if got := (CLI{}).Endpoint(); got != defaultSocket {
		t.Errorf("without a config: %s", got)
	}
}

// TestLoginConfig looks at the config that a pull is logged in by.
func TestLoginConfig(t *testing.T) {
	dir := users(t)
	t.Setenv("DOCKER_TLS_VERIFY", "1")
	before, _ := os.ReadFile(filepath.Join(dir, "config.json"))
	c, forget, err := CLI{}.as(Login{"ada", "p:w"}, "ghcr.io/ada/app")
	if err != nil {
		t.Fatal(err)
	}
	mine := c.configDir()
	var config struct {
		Auths          map[string]struct{ Auth string }
		CredsStore     string
		CurrentContext string
	}
	text, err := os.ReadFile(filepath.Join(mine, "config.json"))
	if err == nil {
		err = json.Unmarshal(text, &config)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(config.Auths) != 1 || config.Auths["ghcr.io"].Auth != "YWRhOnA6dw==" || config.CredsStore != "" {
		t.Errorf("the config: %s", text)
	}
	if got := c.Endpoint(); got != "ssh://ada@far.example" {
		t.Errorf("it talks to %s", got)
	}
	if got := c.getenv("DOCKER_CERT_PATH"); got != dir {
		t.Errorf("certificates of %q, want %q", got, dir)
	}
	for name, want := range map[string]os.FileMode{mine: 0o700, filepath.Join(mine, "config.json"): 0o600} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v, want %o", name, info.Mode(), err, want)
		}
	}
	if err := forget(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(mine); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", mine, err)
	}
	if after, _ := os.ReadFile(filepath.Join(dir, "config.json")); string(after) != string(before) {
		t.Error("the user's config was changed")
	}
	if _, err := os.Stat(filepath.Join(dir, "contexts", "meta")); err != nil {
		t.Error(err)
	}
}

func TestECRLogin(t *testing.T) {
	const image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app"
	bin := t.TempDir()
	path := os.Getenv("PATH")
	t.Setenv("PATH", bin)
	if _, err := ECRLogin(t.Context(), image, "k", "s"); err == nil || !strings.Contains(err.Error(), "install it") {
		t.Errorf("without aws: %v", err)
	}
	t.Setenv("PATH", bin+":"+path)
	t.Setenv("AWS_SESSION_TOKEN", "another")
	write(t, filepath.Join(bin, "aws"), `#!/bin/sh
[ "$*" = "ecr get-login-password --region eu-west-1" ] || exit 2
[ -z "$AWS_SESSION_TOKEN" ] || exit 3
[ "$AWS_SECRET_ACCESS_KEY" = s ] || { echo 'The security token is invalid' >&2; exit 254; }
echo "token of $AWS_ACCESS_KEY_ID"
`, 0o755)
	if login, err := ECRLogin(t.Context(), image, "k", "s"); err != nil || login != (Login{"AWS", "token of k"}) {
		t.Errorf("%+v, %v", login, err)
	}
	if _, err := ECRLogin(t.Context(), image, "k", "wrong"); err == nil || !strings.Contains(err.Error(), "token is invalid") {
		t.Errorf("with a wrong key: %v", err)
	}
	if _, err := ECRLogin(t.Context(), "ghcr.io/ada/app", "k", "s"); err == nil || !strings.Contains(err.Error(), "aws_auth is for") {
		t.Errorf("of another registry: %v", err)
	}
}
