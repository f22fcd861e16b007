package docker

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A Login is a user of a registry, as one pull needs it.
type Login struct{ User, Password string }

// hub is what docker's config calls Docker Hub.
const hub = "https://index.docker.io/v1/"

// registryOf is the registry of an image, as docker's config names it.
// https://pkg.go.dev/github.com/distribution/reference
func registryOf(ref string) string {
	host, _, found := strings.Cut(ref, "/")
	if !found || !strings.ContainsAny(host, ".:") && host != "localhost" || host == "docker.io" || host == "index.docker.io" {
		return hub
	}
	return host
}

// as is a client that is logged in for one image alone, by a config of its
// own, which forget removes. It talks to the same engine: the user's contexts
// are in that config too.
func (c CLI) as(login Login, ref string) (as CLI, forget func() error, err error) {
	dir, err := os.MkdirTemp("", "popsicle-login-") // for this user alone
	if err != nil {
		return c, nil, err
	}
	forget = func() error { return os.RemoveAll(dir) }
	auth := map[string]string{"auth": base64.StdEncoding.EncodeToString([]byte(login.User + ":" + login.Password))}
	auths := map[string]any{registryOf(ref): auth}
	if registryOf(ref) == hub {
		auths["docker.io"] = auth // podman's name for it
	}
	users := c.configDir()
	text, err := json.Marshal(map[string]any{"auths": auths, "currentContext": currentContext(users)})
	file := filepath.Join(dir, "config.json")
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err == nil && users != "" {
		err = os.Symlink(filepath.Join(users, "contexts"), filepath.Join(dir, "contexts"))
	}
	if err != nil {
		return c, nil, errors.Join(err, forget())
	}
	c.Env = append(slices.Clone(c.Env), "DOCKER_CONFIG="+dir, "REGISTRY_AUTH_FILE="+file)
	if c.getenv("DOCKER_CERT_PATH") == "" && c.getenv("DOCKER_TLS_VERIFY")+c.getenv("DOCKER_TLS") != "" {
		c.Env = append(c.Env, "DOCKER_CERT_PATH="+users) // where docker looks for them by itself
	}
	return c, forget, nil
}

// Refused says whether err means that a registry did not let a user in.
func Refused(err error) bool {
	return says(err, "unauthorized", "authentication required", "no basic auth credentials", "access denied", "denied:", "403 forbidden", "invalid username")
}

// ecr is an image of a registry of AWS, with its region.
// https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html
var ecr = regexp.MustCompile(`^\d{12}\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/`)

// ECRLogin asks AWS for a login, by the aws command line: good for twelve
// hours, for a key of an AWS user that may pull.
func ECRLogin(ctx context.Context, ref, keyID, secret string) (Login, error) {
	region := ecr.FindStringSubmatch(ref)
	if region == nil {
		return Login{}, fmt.Errorf("image %s: aws_auth is for images of ACCOUNT.dkr.ecr.REGION.amazonaws.com; for another registry write auth", ref)
	}
	cmd := exec.CommandContext(ctx, "aws", "ecr", "get-login-password", "--region", region[1])
	for _, v := range os.Environ() { // what would stand for somebody else
		if name, _, _ := strings.Cut(v, "="); !slices.Contains([]string{"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"}, name) {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "AWS_ACCESS_KEY_ID="+keyID, "AWS_SECRET_ACCESS_KEY="+secret)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return Login{}, ctx.Err()
	case errors.Is(err, exec.ErrNotFound):
		return Login{}, fmt.Errorf("image %s: aws_auth needs the AWS command line, and aws is not on the PATH: install it (https://aws.amazon.com/cli/)", ref)
	case err != nil:
		return Login{}, fmt.Errorf("image %s: aws ecr get-login-password: %w: %s", ref, err, lastLines(stderr.String()))
	}
	return Login{User: "AWS", Password: strings.TrimSpace(stdout.String())}, nil
}
