package docker

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// getenv is a variable of the client's process.
func (c CLI) getenv(name string) string {
	for i := len(c.Env) - 1; i >= 0; i-- {
		if value, found := strings.CutPrefix(c.Env[i], name+"="); found {
			return value
		}
	}
	return os.Getenv(name)
}

// configDir is where the docker client has its config; empty where the user
// has no home.
func (c CLI) configDir() string {
	if dir := c.getenv("DOCKER_CONFIG"); dir != "" {
		return dir
	}
	if home := c.getenv("HOME"); home != "" {
		return filepath.Join(home, ".docker")
	}
	return ""
}

// defaultSocket is where docker's own choice of an engine listens.
const defaultSocket = "unix:///var/run/docker.sock"

// Endpoint is the address of the engine that a docker client would choose,
// without asking it: by --host, DOCKER_HOST, DOCKER_CONTEXT, or the context
// that `docker context use` chose. A context that nobody has is named as such;
// the client will say so too.
// https://docs.docker.com/engine/manage-resources/contexts/
func (c CLI) Endpoint() string {
	if c.Host != "" {
		return c.Host
	}
	if IsPodman(c.Program()) {
		return c.podmanEndpoint()
	}
	if host := c.getenv("DOCKER_HOST"); host != "" {
		return host
	}
	dir := c.configDir()
	name := c.getenv("DOCKER_CONTEXT")
	if name == "" {
		name = currentContext(dir)
	}
	if name == "" || name == "default" {
		return defaultSocket
	}
	var meta struct {
		Endpoints map[string]struct{ Host string }
	}
	id := fmt.Sprintf("%x", sha256.Sum256([]byte(name)))
	readJSON(filepath.Join(dir, "contexts", "meta", id, "meta.json"), &meta)
	if host := meta.Endpoints["docker"].Host; host != "" {
		return host
	}
	return "context " + name
}

// Socket is the engine's socket on the engine's host, and whether that can be
// seen from here: engines in virtual machines and on other hosts have it where
// Docker puts it.
func (c CLI) Socket() (file string, seen bool) {
	endpoint := c.Endpoint()
	if endpoint == podmanItself {
		return c.podmanSocket(), runtime.GOOS == "linux"
	}
	if file, ok := strings.CutPrefix(endpoint, "unix://"); ok && runtime.GOOS == "linux" {
		return file, true
	}
	return strings.TrimPrefix(defaultSocket, "unix://"), false
}

// currentContext is the context that the config in a folder names.
func currentContext(dir string) string {
	var config struct{ CurrentContext string }
	readJSON(filepath.Join(dir, "config.json"), &config)
	return config.CurrentContext
}

// readJSON reads a file of the docker client. One that cannot be read leaves
// out as it is: the client itself complains of it.
func readJSON(file string, out any) {
	text, err := os.ReadFile(file)
	if err == nil {
		_ = json.Unmarshal(text, out)
	}
}
