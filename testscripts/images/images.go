// Package images makes the container images that popsicle's tests and its
// examples run in, on a machine that reaches no registry: from Debian's
// packages, and from the Go installation of the host.
//
// Every image carries a label with the recipe it was made by, so that an
// image is made once, made anew when its recipe changes, and never confused
// with one that somebody else made: nothing here tags over, or removes, an
// image without that label.
package images

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// label marks an image as made here. Its value is the recipe.
const label = "popsicle.test-image"

// An Image is one that can be made here.
type Image struct {
	// Name is the image's own name, which no registry has.
	Name string
	// StandsFor are names, as configs write them, that this image can stand
	// in for where they are missing.
	StandsFor []string

	// recipe tells what the image is made of; a change of it makes the image
	// anew.
	recipe func() (string, error)
	// base is the image that this one is made from, if any.
	base *Image
	make func(ctx context.Context, t target) error
}

// A target says what an image that is being made becomes.
type target struct{ name, recipe, base string }

// The images, in the order in which they can be made.
var (
	// BusyboxImage has busybox and nothing else: no bash, no git, no GNU tar.
	BusyboxImage = Image{
		Name:      "popsicle-test/busybox:latest",
		StandsFor: []string{"alpine:latest", "alpine:3", "busybox:latest"},
		recipe:    fixed("busybox-2"),
		make:      makeBusybox,
	}
	// DebianImage has bash, git, gcc, make, python3, pip and pytest, and runs
	// as root, as python:3.9 does.
	DebianImage = Image{
		Name:      "popsicle-test/debian:latest",
		StandsFor: []string{"debian:bookworm", "python:3.9"},
		recipe:    fixed("debian-3 " + debianPackages),
		make:      makeDebian,
	}
	// CimgImage is DebianImage run as CircleCI's own images are: as the user
	// circleci (3434), who may use sudo.
	CimgImage = Image{
		Name:      "popsicle-test/cimg:latest",
		StandsFor: []string{"cimg/base:current", "cimg/python:3.9"},
		recipe:    fixed("cimg-2"),
		base:      &DebianImage,
		make:      makeCimg,
	}
	// GoImage is CimgImage with the Go installation of the host and the
	// modules that popsicle needs.
	GoImage = Image{
		Name:      "popsicle-test/go:latest",
		StandsFor: []string{"cimg/go:1.26"},
		recipe:    goRecipe,
		base:      &CimgImage,
		make:      makeGo,
	}
	// GolangImage is DebianImage with the Go installation of the host, and the
	// modules that the examples of the documentation ask for.
	GolangImage = Image{
		Name:      "popsicle-test/golang:latest",
		StandsFor: []string{"golang:1.26"},
		recipe:    golangRecipe,
		base:      &DebianImage,
		make:      makeGolang,
	}
	// AppsImage is DebianImage with Node, PostgreSQL, Redis and Python's way to
	// both. As a service it is PostgreSQL where it gets a password for it, and
	// otherwise Redis.
	AppsImage = Image{
		Name:      "popsicle-test/apps:latest",
		StandsFor: []string{"node:22", "postgres:16", "python:3.12", "redis:7"},
		recipe:    fixed("apps-4"),
		base:      &DebianImage,
		make:      makeApps,
	}
)

// All returns every image, in the order in which they can be made.
func All() []Image {
	return []Image{BusyboxImage, DebianImage, CimgImage, GoImage, GolangImage, AppsImage}
}

func fixed(recipe string) func() (string, error) {
	return func() (string, error) { return recipe, nil }
}

// Ensure makes the image unless Docker has it, made by today's recipe.
// Several processes may ask for it at once: one makes it, the others wait.
func (i Image) Ensure(ctx context.Context) error {
	recipe, err := i.wholeRecipe()
	if err != nil {
		return fmt.Errorf("image %s: %w", i.Name, err)
	}
	if have, err := inspect(ctx, i.Name); err != nil || have.recipe == recipe {
		return err
	}
	unlock, err := lock(i.Name)
	if err != nil {
		return err
	}
	defer unlock()
	old, err := inspect(ctx, i.Name)
	if err != nil || old.recipe == recipe {
		return err
	}
	if old.id != "" && old.recipe == "" {
		return fmt.Errorf("image %s exists and was not made here: remove it with `docker rmi %s`", i.Name, i.Name)
	}
	if err := i.makeAs(ctx, recipe); err != nil {
		return fmt.Errorf("image %s: %w", i.Name, err)
	}
	return i.dropOld(ctx, old)
}

// wholeRecipe is the image's recipe and that of what it is made from.
func (i Image) wholeRecipe() (string, error) {
	recipe, err := i.recipe()
	if err != nil || i.base == nil {
		return recipe, err
	}
	below, err := i.base.wholeRecipe()
	return recipe + " on " + below, err
}

// makeAs makes the image by a recipe, and first what it is made from.
func (i Image) makeAs(ctx context.Context, recipe string) error {
	t := target{name: i.Name, recipe: recipe}
	if i.base != nil {
		if err := i.base.Ensure(ctx); err != nil {
			return err
		}
		t.base = i.base.Name
	}
	return i.make(ctx, t)
}

// dropOld removes what an image was before it was made anew, and the names
// that it stood in for.
func (i Image) dropOld(ctx context.Context, old stored) error {
	if old.id == "" {
		return nil
	}
	now, err := inspect(ctx, i.Name)
	if err != nil || now.id == old.id {
		return err
	}
	if err := i.Unname(ctx); err != nil {
		return err
	}
	_ = remove(ctx, old.id) // what is made from it still needs it, and takes it along when made anew
	return nil
}

// StandIn gives the image each of the names, or all that it stands for when
// none is given, where Docker has no image under that name. It returns the
// names it gave.
func (i Image) StandIn(ctx context.Context, names ...string) ([]string, error) {
	if len(names) == 0 {
		names = i.StandsFor
	}
	var given []string
	for _, name := range names {
		have, err := inspect(ctx, name)
		if err != nil {
			return given, err
		}
		if have.id != "" {
			continue
		}
		if _, err := docker(ctx, nil, "tag", i.Name, name); err != nil {
			return given, err
		}
		given = append(given, name)
	}
	return given, nil
}

// Unname takes back the names that the image stands in for; the image and
// its own name stay.
func (i Image) Unname(ctx context.Context) error { return removeOurs(ctx, i.StandsFor) }

// Remove removes the image with all its names.
func (i Image) Remove(ctx context.Context) error {
	return removeOurs(ctx, append([]string{i.Name}, i.StandsFor...))
}

// removeOurs removes those of the names whose image was made here.
func removeOurs(ctx context.Context, names []string) error {
	for _, name := range names {
		have, err := inspect(ctx, name)
		if err != nil {
			return err
		}
		if have.recipe == "" {
			continue
		}
		if err := remove(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// For returns the image that has a name or can stand in for it.
func For(name string) (Image, error) {
	for _, i := range All() {
		for _, n := range append([]string{i.Name}, i.StandsFor...) {
			if n == name || strings.TrimSuffix(n, ":latest") == name {
				return i, nil
			}
		}
	}
	return Image{}, fmt.Errorf("image %s: no image made here stands for it", name)
}

// lock takes the machine-wide lock of an image name.
func lock(name string) (unlock func(), err error) {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("popsicle-images-%d", os.Getuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	file := strings.NewReplacer("/", "_", ":", "_").Replace(name) + ".lock"
	return lockedfile.MutexAt(filepath.Join(dir, file)).Lock()
}
