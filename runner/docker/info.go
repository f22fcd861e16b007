package docker

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Info is what an engine says about itself.
type Info struct {
	Name     string // of the engine's host
	Version  string
	OS       string // "Debian GNU/Linux 12 (bookworm)", "Docker Desktop"
	Arch     string // as Go names it: "amd64", "arm64"
	Driver   string // of images and containers: "overlay2"
	Root     string // where the engine keeps all it has, on its own host
	CPUs     int
	Memory   int64 // bytes
	Time     time.Time
	Rootless bool
}

// Info asks the engine about itself. Time is the engine's clock at some moment
// of the call.
func (c CLI) Info(ctx context.Context) (Info, error) {
	out, err := c.output(ctx, "info", "--format", "{{json .}}")
	if err != nil {
		return Info{}, err
	}
	i, trouble, err := c.dialect().info(out)
	if err != nil {
		return Info{}, fmt.Errorf("%s info: %w", c.name(), err)
	}
	if trouble != "" { // docker info exits 0 without an engine
		return Info{}, c.failure([]string{"info"}, fmt.Errorf("no engine"), trouble)
	}
	return i, nil
}

// dockerInfo reads what docker info says.
func dockerInfo(out string) (i Info, trouble string, err error) {
	var said struct {
		Name, ServerVersion, OperatingSystem, Architecture, Driver, DockerRootDir string

		NCPU            int
		MemTotal        int64
		SystemTime      time.Time
		SecurityOptions []string
		ServerErrors    []string
	}
	if err := json.Unmarshal([]byte(out), &said); err != nil {
		return Info{}, "", err
	}
	if len(said.ServerErrors) > 0 {
		return Info{}, said.ServerErrors[0], nil
	}
	return Info{
		Name: said.Name, Version: said.ServerVersion, OS: said.OperatingSystem, Arch: goArch(said.Architecture), Driver: said.Driver,
		Root: said.DockerRootDir, CPUs: said.NCPU, Memory: said.MemTotal, Time: said.SystemTime,
		Rootless: slices.Contains(said.SecurityOptions, "name=rootless"),
	}, "", nil
}

// goArch translates the kernel's name of an architecture.
func goArch(machine string) string {
	switch machine {
	case "x86_64":
		return "amd64"
	case "aarch64":
		return "arm64"
	}
	return machine
}
