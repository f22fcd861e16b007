package fakedocker

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// marker is a variable that every process of a "container" inherits.
const marker = "FAKEDOCKER_CONTAINER"

// runFlags are the flags of docker run that popsicle uses; true: with a value.
var runFlags = map[string]bool{
	"--interactive": false, "--init": false, "--privileged": false, "--rm": false,
	"--add-host": true, "--cap-add": true, "--cap-drop": true, "--cpus": true, "--device-cgroup-rule": true, "--entrypoint": true, "--env": true, "--group-add": true, "--memory": true, "--memory-swap": true, "--label": true, "--log-driver": true, "--mount": true,
	"--name": true, "--network": true, "--platform": true, "--pull": true, "--security-opt": true, "--tmpfs": true, "--user": true,
}

// parseRun takes a docker run command line apart.
func parseRun(args []string) (flags map[string]string, image string, command []string, err error) {
	flags, image, command, err = parseFlags("run", runFlags, args)
	if err != nil {
		return nil, "", nil, err
	}
	if entry := flags["--entrypoint"]; entry != "" {
		command = append([]string{entry}, command...)
	}
	if len(command) == 0 { // the image's own: a service
		command = []string{"/bin/sh", "-c", "echo " + image + " is up; exec sleep 1000"}
	}
	return flags, image, command, nil
}

// runContainer runs a container's program on this host, with a home folder
// and a folder for temporary files of its own, until it ends; what it leaves
// running is killed, as the end of a container's first process does.
func runContainer(args []string) int {
	flags, image, command, err := parseRun(args)
	if err != nil {
		return say(125, "docker: %v", err)
	}
	if !has(image) {
		return say(125, "docker: Error response from daemon: No such image: %s.", image)
	}
	_, all := flags["--privileged"]
	_, more := flags["--cap-add"]
	if weak := os.Getenv("FAKEDOCKER_WEAK"); all && weak != "" || more && weak == "very" {
		return say(125, "docker: Error response from daemon: runc create failed: unable to apply caps: operation not permitted: unknown.")
	}
	if strings.Contains(flags["--mount"], "volume-opt") {
		return say(125, "docker: Error response from daemon: failed to mount local volume: not in a fake.")
	}
	name := flags["--name"]
	home, tmp := dir("containers", name, "home"), dir("containers", name, "tmp")
	if err := errors.Join(os.MkdirAll(home, 0o755), os.MkdirAll(tmp, 0o755)); err != nil {
		return say(125, "docker: %v", err)
	}
	if _, goes := flags["--rm"]; goes {
		defer os.RemoveAll(dir("containers", name))
	}
	cmd := inside(name, command)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = cmd.Run()
	killAll(name)
	if code := cmd.ProcessState.ExitCode(); code >= 0 {
		return code
	}
	return say(137, "%v", err)
}

// removeContainers kills what runs in the containers, and forgets them.
func removeContainers(args []string) int {
	code := 0
	for _, name := range args {
		if strings.HasPrefix(name, "--") {
			continue
		}
		if _, err := os.Stat(dir("containers", name)); err != nil {
			code = say(1, "Error: No such container: %s", name)
			continue
		}
		killAll(name)
		if err := os.RemoveAll(dir("containers", name)); err != nil {
			code = say(1, "Error response from daemon: %v", err)
		}
		show(name)
	}
	return code
}

// killAll kills every process of a container, and those that they start
// meanwhile.
func killAll(name string) {
	for killed := true; killed; {
		killed = false
		all, _ := filepath.Glob("/proc/[0-9]*/environ") // the pattern is well formed
		for _, file := range all {
			killed = belongs(file, name) && syscall.Kill(pidOf(file), syscall.SIGKILL) == nil || killed
		}
	}
}

// belongs says whether the process of an environ file is a container's. Of
// one that has been killed, the file is empty.
func belongs(file, name string) bool {
	env, err := os.ReadFile(file)
	return err == nil && bytes.Contains(append([]byte{0}, env...), []byte("\x00"+marker+"="+name+"\x00"))
}

// pidOf returns the process that a file of /proc is about.
func pidOf(file string) int {
	pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
	if err != nil {
		return -1
	}
	return pid
}
