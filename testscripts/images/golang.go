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
	"strings"
)

// goDockerfile adds Go, popsicle's modules and its linter to the image of
// CircleCI's kind. They are put in when the image is made, so that no job has
// to fetch or build them; SQLite, which is C, is compiled as well.
const goDockerfile = `FROM %s
COPY root /
ENV PATH=/home/circleci/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ENV GOTOOLCHAIN=local
RUN cp -R /usr/local/share/popsicle /tmp/module && cd /tmp/module && go mod download \
 && go build github.com/mattn/go-sqlite3 && go build -race github.com/mattn/go-sqlite3 && rm -r /tmp/module
`

// linter is the module path of the linter; its version stands in a file that
// the Makefile reads too.
const (
	linter        = "github.com/golangci/golangci-lint/v2/cmd/golangci-lint"
	linterVersion = ".ci/golangci-lint.version"
)

// goRuns is what Go needs of its own folder to build and test.
var goRuns = []string{"VERSION", "go.env", "bin", "lib", "pkg", "src"}

// goFiles are the files of the source that the Go image depends on.
var goFiles = []string{"go.mod", "go.sum", linterVersion}

// goRecipe follows the modules that popsicle needs.
func goRecipe() (string, error) {
	top, err := moduleRoot()
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	for _, file := range goFiles {
		text, err := os.ReadFile(filepath.Join(top, file))
		if err != nil {
			return "", err
		}
		sum.Write(text)
	}
	return fmt.Sprintf("go-4 %s %x", runtime.Version(), sum.Sum(nil)[:8]), nil
}

// makeGo makes the image that popsicle's own pipeline runs in.
func makeGo(ctx context.Context, t target) error {
	parts, clean, err := findGo(ctx)
	if err != nil {
		return err
	}
	defer clean()
	r, w := io.Pipe()
	go func() { w.CloseWithError(parts.write(w, t.base)) }()
	err = build(ctx, r, t)
	// the writer must not wait for a docker that is gone
	return errors.Join(err, r.Close())
}

// goParts are the folders of the host that the Go image is made from.
type goParts struct{ root, goroot, bin string }

// findGo finds the source and the Go installation, and builds the linter.
func findGo(ctx context.Context) (p goParts, clean func(), err error) {
	if p.root, err = moduleRoot(); err != nil {
		return p, nil, err
	}
	version, err := os.ReadFile(filepath.Join(p.root, linterVersion))
	if err != nil {
		return p, nil, err
	}
	goroot, err := run(ctx, p.root, nil, "go", "env", "GOROOT")
	if err != nil {
		return p, nil, err
	}
	p.goroot = strings.TrimSpace(goroot)
	if p.bin, err = os.MkdirTemp("", "popsicle-bin-"); err != nil {
		return p, nil, err
	}
	clean = func() { _ = os.RemoveAll(p.bin) } // a temporary folder; the system empties it too
	_, err = run(ctx, p.root, nil, "env", "CGO_ENABLED=0", "GOBIN="+p.bin,
		"go", "install", linter+"@"+strings.TrimSpace(string(version)))
	if err != nil {
		clean()
	}
	return p, clean, err
}

// write writes the build context: the Dockerfile, the Go installation, the
// linter and the module files.
func (p goParts) write(w io.Writer, base string) error {
	t := newTarball(w)
	t.file("Dockerfile", fmt.Sprintf(goDockerfile, base))
	for _, file := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(p.root, file))
		if err != nil {
			return err
		}
		t.file("root/usr/local/share/popsicle/"+file, string(text))
	}
	t.tree(p.bin, "root/usr/local/bin")
	for _, part := range goRuns {
		t.tree(filepath.Join(p.goroot, part), "root/usr/local/go/"+part)
	}
	return t.close()
}

// moduleRoot finds the folder of popsicle's go.mod, upwards from here.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("no go.mod here or above: run this inside popsicle's source")
		}
		dir = filepath.Dir(dir)
	}
}
