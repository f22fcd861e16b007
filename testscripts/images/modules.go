package images

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// golangSetup lines make an image serve as Go's official one does. The
// modules that the examples ask for are in it, as a module proxy of files, so
// that their jobs need no network.
var golangSetup = []string{
	"ENV GOPATH=/go PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"ENV GOTOOLCHAIN=local GOPROXY=file:///usr/local/share/goproxy,https://proxy.golang.org,direct",
}

// exampleModules finds the sums of the modules that the examples ask for.
func exampleModules() ([]string, error) {
	top, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	return filepath.Glob(filepath.Join(top, "docs/examples/*/go.sum"))
}

// golangRecipe follows the host's Go and the modules of the examples.
func golangRecipe() (string, error) {
	files, err := exampleModules()
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		sum.Write(text)
	}
	return fmt.Sprintf("golang-2 %s %x", runtime.Version(), sum.Sum(nil)[:8]), nil
}

// makeGolang makes the image from the Go installation of the host.
func makeGolang(ctx context.Context, t target) error {
	cache, err := os.MkdirTemp("", "popsicle-modules-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(cache)
	if err := downloadModules(ctx, cache); err != nil {
		return err
	}
	goroot, err := run(ctx, "", nil, "go", "env", "GOROOT")
	if err != nil {
		return err
	}
	r, w := io.Pipe()
	go func() {
		w.CloseWithError(writeGolang(w, strings.TrimSpace(goroot), filepath.Join(cache, "cache/download")))
	}()
	err = addLayer(ctx, t, r, "", golangSetup...)
	// the writer must not wait for a docker that is gone
	return errors.Join(err, r.Close())
}

// downloadModules fetches what the examples ask for into a module cache,
// whose download folder is laid out as a module proxy is.
func downloadModules(ctx context.Context, cache string) error {
	sums, err := exampleModules()
	if err != nil {
		return err
	}
	for _, sum := range slices.Sorted(slices.Values(sums)) {
		// -modcacherw, or the cache could not be removed
		_, err := run(ctx, filepath.Dir(sum), nil, "env", "GOWORK=off", "GOFLAGS=-modcacherw", "GOMODCACHE="+cache, "go", "mod", "download", "all")
		if err != nil {
			return err
		}
	}
	return nil
}

// writeGolang writes what the image has beyond its base.
func writeGolang(w io.Writer, goroot, proxy string) error {
	t := newTarball(w)
	t.tree(proxy, "usr/local/share/goproxy")
	for _, part := range goRuns {
		t.tree(filepath.Join(goroot, part), "usr/local/go/"+part)
	}
	return t.close()
}
