package fakedocker

import (
	"os"
	"strings"
)

// imageInspect tells the same of every image.
func imageInspect(args []string) int {
	name := args[len(args)-1]
	if !has(name) {
		return say(1, "Error: No such image: %s", name)
	}
	return show("sha256:fa4e00000000000000000000000000000000000000000000000000000000000 amd64 {}")
}

// has says whether the engine has an image.
func has(name string) bool {
	if !strings.HasPrefix(name, "registry.example/") {
		return true
	}
	_, err := os.Stat(pulled(name))
	return err == nil
}

func pulled(name string) string {
	return dir("images", strings.NewReplacer("/", "_", ":", "_").Replace(name))
}

// pull pulls an image of two layers.
func pull(name string) int {
	if strings.HasPrefix(name, "registry.example/absent") {
		return say(1, "Error response from daemon: manifest for %s not found: manifest unknown: manifest unknown", name)
	}
	if err := os.MkdirAll(dir("images"), 0o755); err != nil {
		return say(1, "%v", err)
	}
	if err := os.WriteFile(pulled(name), nil, 0o644); err != nil {
		return say(1, "%v", err)
	}
	for _, layer := range []string{"111111111111", "222222222222"} {
		show(layer + ": Pulling fs layer")
		show(layer + ": Pull complete")
	}
	return 0
}
