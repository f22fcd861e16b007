// Package fakedocker is a docker command line without containers, for scripts
// that test popsicle's: it notes every invocation in a log, and what a
// container would run, runs on this host, in a folder that stands for the
// container's. Exit codes, output and signals are therefore real; isolation is
// not, so scripts for it must stay below their home folder.
//
// The folder in $FAKEDOCKER holds its state: docker.log, and what the engine
// "has". Images exist, except those of registry.example, which must be pulled,
// and registry.example/absent, which cannot be. With FAKEDOCKER_DOWN=1 the
// engine does not answer; with FAKEDOCKER_WEAK=1 it refuses --privileged, with
// FAKEDOCKER_WEAK=very more capabilities too.
package fakedocker

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
)

// Main carries out the docker command line in os.Args and returns its exit
// code.
func Main() int { return run(os.Args[1:]) }

// dir is where the fake engine keeps what it has.
func dir(parts ...string) string {
	return filepath.Join(append([]string{os.Getenv("FAKEDOCKER")}, parts...)...)
}

// run carries out one command line and returns its exit code.
func run(args []string) int {
	if err := note(args); err != nil {
		return say(125, "fakedocker: %v", err)
	}
	if len(args) > 1 && args[0] == "--host" {
		args = args[2:]
	}
	if os.Getenv("FAKEDOCKER_DOWN") != "" {
		return say(1, "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?")
	}
	switch verb := strings.Join(args[:min(2, len(args))], " "); verb {
	case "image inspect":
		return imageInspect(args[2:])
	case "volume create", "volume inspect":
		return say(1, "Error response from daemon: the fake has no volumes")
	case "volume ls", "volume rm", "network ls":
		return 0 // there are none
	}
	switch args[0] {
	case "version":
		return show("20.10.24 amd64")
	case "info":
		return show(`{"Name":"fake","ServerVersion":"20.10.24","OperatingSystem":"Fake OS","Architecture":"` + machine[runtime.GOARCH] + `","Driver":"overlay2","NCPU":2,"MemTotal":8589934592}`)
	case "run":
		return runContainer(args[1:])
	case "exec":
		return execIn(args[1:])
	case "cp":
		return copyFiles(args[1:])
	case "rm":
		return removeContainers(args[1:])
	case "ps":
		return 0 // none is left of dead runs
	case "pull":
		return pull(args[len(args)-1])
	}
	return say(1, "docker: %q is not a command that the fake knows", args[0])
}

// machine are the kernel's names of architectures.
var machine = map[string]string{"amd64": "x86_64", "arm64": "aarch64"}

// say prints to standard error, and returns the exit code.
func say(code int, format string, args ...any) int {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	return code
}

// show prints to standard output.
func show(line string) int {
	fmt.Println(line)
	return 0
}

// random are the parts of a command line that differ from run to run, and
// what stands for them in the log.
var random = []struct{ what, instead string }{
	{`(popsicle-\d+-\d+)-[0-9a-f]{8}\b`, "$1-ID"},
	{`popsicle\.(host|lease|pid|started)=\S+`, "popsicle.$1=…"},
	{`(?s) -c .*while IFS= read.* popsicle$`, " -c DRIVER popsicle"},
}

// note writes a command line into the log, without what is random in it.
func note(args []string) error {
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = a
		if a == "" || strings.ContainsAny(a, " \t\n'\"\\") {
			words[i] = strconv.Quote(a)
		}
	}
	line := strings.ReplaceAll(strings.Join(words, " "), filepath.Dir(dir()), "$WORK")
	for _, r := range random {
		line = regexp.MustCompile(r.what).ReplaceAllString(line, r.instead)
	}
	if err := os.MkdirAll(dir(), 0o755); err != nil {
		return err
	}
	// one write, so that several clients do not mix
	f, err := os.OpenFile(dir("docker.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(line + "\n")
	return err
}
