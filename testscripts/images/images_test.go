package images

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

func TestBusyboxTree(t *testing.T) {
	var out bytes.Buffer
	if err := busyboxTree(&out, []byte("program"), []string{"bin/busybox", "bin/sh", "usr/bin/env", "linuxrc"}); err != nil {
		t.Fatal(err)
	}
	var names []string
	for r := tar.NewReader(&out); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, strings.TrimSuffix(h.Name, "/")+h.Linkname)
	}
	want := "tmp root home home/circleci etc etc/passwd etc/group bin bin/busybox bin/sh/bin/busybox" +
		" usr usr/bin usr/bin/env/bin/busybox linuxrc/bin/busybox"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("entries:\n got %s\nwant %s", got, want)
	}
}

func TestTarballKeepsTheFirstError(t *testing.T) {
	w := newTarball(io.Discard)
	w.tree(t.TempDir()+"/absent", "x")
	w.file("a", "text")
	if err := w.close(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("close = %v, want the missing folder", err)
	}
}

func TestEveryStandInIsKnownByItsName(t *testing.T) {
	for _, i := range All() {
		for _, name := range append(i.StandsFor, i.Name, strings.TrimSuffix(i.Name, ":latest")) {
			got, err := For(name)
			if err != nil || got.Name != i.Name {
				t.Errorf("For(%q) = %s, %v; want %s", name, got.Name, err, i.Name)
			}
		}
	}
	if _, err := For("nobody/knows:1"); err == nil {
		t.Error("For(nobody/knows:1) finds an image")
	}
}

// scratch is an image of a few bytes, for tests of what is done with images.
func scratch(t *testing.T, recipe string) Image {
	return Image{
		Name:      "popsicle-test/self-test:latest",
		StandsFor: []string{"popsicle-test/stood-in-for:1"},
		recipe:    fixed(recipe),
		make: func(ctx context.Context, g target) error {
			var tree bytes.Buffer
			w := newTarball(&tree)
			w.file("recipe", recipe)
			if err := w.close(); err != nil {
				return err
			}
			return importTar(ctx, &tree, g)
		},
	}
}

// find looks an image up, and fails the test where Docker does not answer.
func find(t *testing.T, name string) stored {
	t.Helper()
	s, err := inspect(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestImageLife(t *testing.T) {
	one, two := scratch(t, "one"), scratch(t, "two 2")
	need(t, one)
	t.Cleanup(func() {
		if err := one.Remove(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	first := find(t, one.Name)
	need(t, one)
	if again := find(t, one.Name); again != first {
		t.Errorf("asked for twice: %v, then %v", first, again)
	}
	given, err := one.StandIn(t.Context())
	if err != nil || len(given) != 1 {
		t.Fatalf("StandIn = %v, %v", given, err)
	}
	need(t, two)
	if second := find(t, two.Name); second.id == first.id || second.recipe != "two 2" {
		t.Errorf("a new recipe made %v of %v", second, first)
	}
	for _, gone := range []string{first.id, one.StandsFor[0]} {
		if s := find(t, gone); s.id != "" {
			t.Errorf("%s is still there after the recipe changed", gone)
		}
	}
}

func TestNamesOfOthersAreLeftAlone(t *testing.T) {
	others := Busybox(t) // a name that Docker has, for an image of another recipe
	i := scratch(t, "one")
	i.StandsFor = []string{others}
	before := find(t, others)
	given, err := i.StandIn(t.Context())
	if err != nil || len(given) != 0 {
		t.Errorf("StandIn = %v, %v; want nothing done", given, err)
	}
	if after := find(t, others); after != before {
		t.Errorf("%s was %v and is %v", others, before, after)
	}
	foreign := importForeign(t)
	i.Name, i.StandsFor = foreign, nil
	if err := i.Ensure(t.Context()); err == nil || !strings.Contains(err.Error(), "not made here") {
		t.Errorf("Ensure over an image of somebody else = %v", err)
	}
	if err := i.Remove(t.Context()); err != nil || find(t, foreign).id == "" {
		t.Errorf("Remove of an image of somebody else = %v, and it is gone", err)
	}
}

// importForeign makes an image without our label.
func importForeign(t *testing.T) string {
	const name = "popsicle-test/foreign:latest"
	var tree bytes.Buffer
	w := newTarball(&tree)
	w.file("who", "somebody else")
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := docker(t.Context(), &tree, "import", "-", name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { takeBack(t, []string{name}) })
	return name
}

func TestNamedEndsWithTheTest(t *testing.T) {
	const name = "busybox:latest"
	if os.Getenv(noDocker) != "1" && find(t, name).id != "" {
		t.Skipf("SKIPPED, NOT TESTED: this Docker has a %s of its own", name)
	}
	t.Run("inside", func(t *testing.T) {
		Named(t, name)
		if find(t, name).recipe == "" {
			t.Errorf("%s stands for nothing while the test runs", name)
		}
	})
	if find(t, name).id != "" {
		t.Errorf("%s is still there after the test", name)
	}
}
