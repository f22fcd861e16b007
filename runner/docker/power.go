package docker

// A Power is how much a container may do to its engine's host.
type Power int

const (
	Ordinary  Power = iota // what every container may
	AlmostAll              // what is left of All on an engine that has not got every capability itself
	All                    // whatever root may
)

// almostAll is --privileged spelled out, but for the one capability that
// engines in small virtual machines and in containers lack, and therefore
// cannot give. What is mounted read-only stays so.
// https://docs.docker.com/engine/containers/run/#runtime-privilege-and-linux-capabilities
var almostAll = []string{
	"--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE",
	"--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined", "--security-opt", "systempaths=unconfined",
	"--device-cgroup-rule", "a *:* rwm",
}

func (p Power) flags() []string {
	switch p {
	case AlmostAll:
		return almostAll
	case All:
		return []string{"--privileged"}
	}
	return nil
}
