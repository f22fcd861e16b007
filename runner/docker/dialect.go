package docker

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// A dialect is what clients of docker's kind are asked in different words, and
// answer so. All that popsicle knows of podman stands here, in podman.go, and
// in the texts of error.go.
type dialect struct {
	version string // format of version: the engine's, and its architecture
	label   string // format of the value of a label, %q
	info    func(out string) (i Info, trouble string, err error)

	remove []string                // removes containers at once, running or not
	echoes bool                    // remove says the names that it was given, of what it removed
	copyIn []string                // copies a tar that tells the owners
	tagged bool                    // a volume that comes with its container can have labels
	pull   func(ref string) string // the name to pull an image by
}

var dockers = dialect{
	version: "{{.Server.Version}} {{.Server.Arch}}",
	label:   "{{.Label %q}}",
	info:    dockerInfo,
	remove:  []string{"rm", "--force", "--volumes"},
	echoes:  true,
	copyIn:  []string{"cp"}, // not --archive: that looks the container's user up in its passwd file
	tagged:  true,
	pull:    func(ref string) string { return ref },
}

// dialect is how the client is spoken to. Whatever is not podman is taken to
// be as docker is.
func (c CLI) dialect() dialect {
	if IsPodman(c.Program()) {
		return podmans
	}
	return dockers
}

// IsPodman says whether a client is podman: by its name, or where it is called
// docker and is but another way to start podman, as of the package
// podman-docker.
func IsPodman(bin string) bool {
	if strings.HasPrefix(filepath.Base(bin), "podman") {
		return true
	}
	known, found := disguises.Load(bin)
	if !found {
		known, _ = disguises.LoadOrStore(bin, disguised(bin))
	}
	return known.(bool)
}

// disguises are the programs that were looked at, by name.
var disguises sync.Map

// disguised looks into a program: a link to podman, or a script that starts it.
func disguised(bin string) bool {
	file, err := exec.LookPath(bin)
	if err == nil {
		file, err = filepath.EvalSymlinks(file)
	}
	if err != nil {
		return false
	}
	if strings.HasPrefix(filepath.Base(file), "podman") {
		return true
	}
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 1<<10)
	n, _ := io.ReadFull(f, head) // most scripts are shorter
	head = head[:n]
	return bytes.HasPrefix(head, []byte("#!")) && slices.ContainsFunc(bytes.Fields(head), func(word []byte) bool {
		return filepath.Base(string(word)) == "podman"
	})
}

// Elsewhere is the client for an engine that is named by an address of
// Docker's: bin, unless that speaks to engines of its own kind alone.
func Elsewhere(bin string) string {
	if name := filepath.Base(bin); !IsPodman(bin) && name != "nerdctl" {
		return name
	}
	return "docker"
}

// fit makes a spec one that the client takes: what it has no words for is left
// out.
func (d dialect) fit(s Spec) Spec {
	if d.tagged {
		return s
	}
	s.Mounts = slices.Clone(s.Mounts)
	for i := range s.Mounts {
		s.Mounts[i].Labels = nil
	}
	return s
}
