package docker

import (
	"path/filepath"
	"strings"
)

// IsPodman says whether a program is podman, by its name.
func IsPodman(bin string) bool { return strings.HasPrefix(filepath.Base(bin), "podman") }
