package docker

import (
	"encoding/json"
	"os"
	"path"
	"strings"
)

// podmans is how podman is spoken to, from version 4 on.
var podmans = dialect{
	version: "{{.Server.Version}} {{.Server.OsArch}}",
	label:   "{{index .Labels %q}}",
	info:    podmanInfo,
	// Without --ignore one that is gone keeps all others; without --depend one
	// whose network a service shares stays; without --time a shell, which does
	// not heed SIGTERM, takes ten seconds.
	remove: []string{"rm", "--force", "--volumes", "--ignore", "--depend", "--time", "0"},
	copyIn: []string{"cp", "--archive=false"}, // the default is the container's user
	pull:   onHub,
}

// onHub names an image as Docker does where no registry is named. Podman would
// ask its registries.conf, and has none on Debian.
func onHub(ref string) string {
	if registryOf(ref) != hub {
		return ref
	}
	_, rest, named := strings.Cut(ref, "docker.io/")
	switch {
	case named:
		return "docker.io/" + rest
	case strings.Contains(ref, "/"):
		return "docker.io/" + ref
	}
	return "docker.io/library/" + ref
}

// podmanInfo reads what podman info says.
func podmanInfo(out string) (i Info, trouble string, err error) {
	var said struct {
		Host struct {
			Arch, Hostname string
			CPUs           int
			MemTotal       int64
			Security       struct{ Rootless bool }
			Distribution   struct{ Distribution, Version string }
		}
		Store   struct{ GraphDriverName, GraphRoot string }
		Version struct{ Version string }
	}
	if err := json.Unmarshal([]byte(out), &said); err != nil {
		return Info{}, "", err
	}
	h := said.Host
	return Info{
		Name: h.Hostname, Version: said.Version.Version, OS: strings.TrimSpace(h.Distribution.Distribution + " " + h.Distribution.Version), Arch: goArch(h.Arch),
		Driver: said.Store.GraphDriverName, Root: said.Store.GraphRoot, CPUs: h.CPUs, Memory: h.MemTotal, Rootless: h.Security.Rootless,
	}, "", nil
}

// podmanItself stands for the address of podman, which is its own engine.
const podmanItself = "podman"

// podmanEndpoint is where podman's engine is: it is its own, unless
// CONTAINER_HOST names one that listens.
func (c CLI) podmanEndpoint() string {
	if host := c.getenv("CONTAINER_HOST"); host != "" {
		return host
	}
	return podmanItself
}

// podmanSocket is where the service of podman listens that speaks Docker's
// language, once it is started.
func (c CLI) podmanSocket() string {
	if dir := c.getenv("XDG_RUNTIME_DIR"); os.Geteuid() != 0 && dir != "" {
		return path.Join(dir, "podman", "podman.sock")
	}
	return "/run/podman/podman.sock"
}
