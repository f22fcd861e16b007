package fakedocker

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// execFlags are the flags of docker exec that popsicle uses; true: with a value.
var execFlags = map[string]bool{"--interactive": false, "--user": true, "--workdir": true}

// execIn runs a command beside the program of a "container", in its home.
func execIn(args []string) int {
	_, name, command, err := parseFlags("exec", execFlags, args)
	if err != nil {
		return say(125, "docker: %v", err)
	}
	if !lives(name) {
		return say(1, "Error: No such container: %s", name)
	}
	if len(command) == 0 {
		return say(1, `"docker exec" requires at least 2 arguments.`)
	}
	if strings.Contains(strings.Join(command, " "), "\ndockerd ") { // this host must not get another engine
		_ = os.WriteFile(command[len(command)-1], nil, 0o600) // its end, which the job waits for
		return say(1, "dockerd: not in a fake")
	}
	cmd := inside(name, command)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code >= 0 {
		return code
	}
	return say(137, "%v", err)
}

// copyFiles carries out docker cp of a tar stream: out of a container
// (NAME:PATH -) or into a folder of one (- NAME:DIR).
func copyFiles(args []string) int {
	if len(args) != 2 || (args[0] == "-") == (args[1] == "-") {
		return say(1, "docker cp: the fake copies between a container and a tar stream alone: %q", args)
	}
	in := args[0] == "-"
	name, path, _ := strings.Cut(args[0], ":")
	if in {
		name, path, _ = strings.Cut(args[1], ":")
	}
	if _, err := os.Lstat(path); err != nil || !lives(name) {
		return say(1, "Error: No such container:path: %s:%s", name, path)
	}
	command := []string{"tar", "-C", filepath.Dir(path), "-cf", "-", filepath.Base(path)}
	if in {
		command = []string{"tar", "-C", path, "-xpf", "-"}
	}
	cmd := inside(name, command)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return say(1, "Error response from daemon: %v", err)
	}
	return 0
}

// lives says whether a container is there.
func lives(name string) bool {
	_, err := os.Stat(dir("containers", name))
	return name != "" && err == nil
}

// inside is a command as the processes of a container run it.
func inside(name string, command []string) *exec.Cmd {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = dir("containers", name, "home")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + cmd.Dir, "TMPDIR=" + dir("containers", name, "tmp"), marker + "=" + name}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// parseFlags takes the flags of a verb off its arguments, and the name of
// what it is about.
func parseFlags(verb string, known map[string]bool, args []string) (flags map[string]string, name string, rest []string, err error) {
	flags = map[string]string{}
	for len(args) > 0 && strings.HasPrefix(args[0], "--") {
		flag := args[0]
		valued, ok := known[flag]
		if !ok {
			return nil, "", nil, errors.New("unknown flag: " + flag)
		}
		flags[flag], args = "", args[1:]
		if valued && len(args) > 0 {
			flags[flag], args = args[0], args[1:]
		}
	}
	if len(args) == 0 {
		return nil, "", nil, errors.New("docker " + verb + " requires at least 1 argument")
	}
	return flags, args[0], args[1:], nil
}
