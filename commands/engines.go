package commands

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner"
	"github.com/popsicle-ci/popsicle/runner/docker"
	"github.com/popsicle-ci/popsicle/runner/event"
)

// localEngine is what the engine is called that docker itself would use.
const localEngine = "local"

// engineFlag is which docker a command uses.
func engineFlag(category string) cli.Flag {
	return &cli.StringFlag{
		Name: "engine", Usage: "the client to use, `PROGRAM`: docker, podman; or the path of one like them", Value: "docker",
		Sources: cli.EnvVars("POPSICLE_ENGINE"), Category: category,
	}
}

// An engine is one that jobs may run on, and the client for it.
type engine struct {
	db.Runner
	cli docker.CLI
}

// engines are the local engine, of the client bin, and those the user added.
func engines(ctx context.Context, history *db.DB, bin string) ([]engine, error) {
	host := engineName(bin)
	local := engine{db.Runner{Name: localEngine, Host: host, Arch: localArch(host)}, docker.CLI{Bin: bin}}
	known, err := history.Runners(ctx)
	all := []engine{local}
	for _, r := range known {
		if r.Name != "" {
			all = append(all, engine{r, clientOf(r, bin)})
		}
	}
	return all, err
}

// engineName names the engine in the history, without asking it: by the
// address that docker contexts and DOCKER_HOST give it.
func engineName(client string) string {
	name := filepath.Base(client)
	if name != "docker" && !docker.IsPodman(client) && os.Getenv("DOCKER_HOST") == "" && os.Getenv("DOCKER_CONTEXT") == "" {
		return name
	}
	return docker.CLI{Bin: client}.Endpoint()
}

// localArch is the architecture of the local engine, where that is known
// without asking it.
func localArch(host string) string {
	if (strings.HasPrefix(host, "unix://") || host == "podman") && runtime.GOOS == "linux" {
		return runtime.GOARCH // the engine of a unix socket, or podman without one, is on this machine
	}
	return ""
}

// contextHost begins the host of an engine that a docker context names.
const contextHost = "context "

// clientOf is the client for an engine that was added. What the environment
// says of the local engine does not hold for it.
func clientOf(r db.Runner, bin string) docker.CLI {
	c := docker.CLI{Bin: docker.Elsewhere(bin), Env: []string{"DOCKER_HOST=", "DOCKER_CONTEXT=", "DOCKER_TLS=", "DOCKER_TLS_VERIFY=", "DOCKER_CERT_PATH="}, Together: &docker.Together{}}
	name, isContext := strings.CutPrefix(r.Host, contextHost)
	switch {
	case isContext:
		c.Env = append(c.Env, "DOCKER_CONTEXT="+name)
	case r.TLSDir != "":
		c.Host, c.Env = r.Host, append(c.Env, "DOCKER_TLS_VERIFY=1", "DOCKER_CERT_PATH="+r.TLSDir)
	default:
		c.Host = r.Host
	}
	return c
}

// fleet is the engines that the run may use, each with a Runner for it.
func (l *launch) fleet(ctx context.Context, r *runner.Runner, out *event.Stream) (*runner.Fleet, error) {
	all, err := engines(ctx, l.history, l.engine)
	if err != nil {
		return nil, err
	}
	if all, err = l.wanted(all); err != nil {
		return nil, err
	}
	var fleet []*runner.Engine
	var hosts []string
	for _, e := range all {
		hosts = append(hosts, e.Host)
		one := &runner.Engine{Runner: r, Labels: e.Labels, Places: e.MaxJobs}
		switch {
		case e.Name == localEngine:
			one.Asked, one.Places = true, l.parallel
			if len(all) > 1 { // -j is about all of them together
				r.Name, one.Places = localEngine, capacity()
			}
		default:
			one.Runner = r.On(e.cli, e.Host, e.Name, e.Arch)
			if len(all) == 1 && one.Places == 0 {
				one.Places = l.parallel // nobody asks an engine that is alone for its CPUs
			}
		}
		fleet = append(fleet, one)
	}
	if err := r.Lease.Note(hosts...); err != nil {
		return nil, fmt.Errorf("lease: %w", err)
	}
	f := runner.NewFleet(out, fleet...)
	if l.dock != nil {
		f.Dock, f.Owner = l.dock, l.repoName
	}
	return f, nil
}

// wanted leaves only the engines that --runner names, where it does.
func (l *launch) wanted(all []engine) ([]engine, error) {
	if len(l.runners) == 0 {
		return all, nil
	}
	for _, name := range l.runners {
		if !slices.ContainsFunc(all, func(e engine) bool { return e.Name == name }) {
			return nil, usage("no runner is named %q: popsicle runners list", name)
		}
	}
	return slices.DeleteFunc(all, func(e engine) bool { return !slices.Contains(l.runners, e.Name) }), nil
}
