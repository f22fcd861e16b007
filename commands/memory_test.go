package commands

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner"
)

// newMemory is a memory in a new home.
func newMemory(t *testing.T) (memory, string) {
	t.Helper()
	home := t.TempDir()
	d, err := db.Open(t.Context(), filepath.Join(home, "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return memory{d}, home
}

func TestKeeps(t *testing.T) {
	m, home := newMemory(t)
	m.PutBase(runner.Base{Engine: "unix:///var/run/docker.sock", Volume: "known"})
	m.PutBase(runner.Base{Engine: "context default", Volume: "known by another name of the engine"})
	keep := m.keeps(home)
	for _, tt := range []struct {
		volume, home string
		want         bool
	}{
		{"known", home, true},
		{"known by another name of the engine", home, true},
		{"unknown", home, false},
		{"unknown", t.TempDir(), true},
		{"unknown", filepath.Join(home, "never-was"), false},
	} {
		if got := keep(tt.volume, tt.home); got != tt.want {
			t.Errorf("keep %q of %s: %v", tt.volume, tt.home, got)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if !keep("unknown", home) {
		t.Error("a history that cannot be read keeps nothing")
	}
}

func TestBaseIsRememberedWhole(t *testing.T) {
	m, _ := newMemory(t)
	want := runner.Base{
		Engine: "e", Root: "/src", Volume: "v", Mountpoint: "/var/lib/docker/volumes/v/_data", Tree: "t",
		UID: 3434, GID: 20, Files: 3, Bytes: 4, Manifest: []byte("one\ntwo\x00\n"),
	}
	m.PutBase(want)
	got, ok := m.Base("e", "/src", 3434)
	if !ok || !slices.Equal(got.Manifest, want.Manifest) {
		t.Fatalf("%+v, %v", got, ok)
	}
	got.Manifest, want.Manifest = nil, nil
	if g, w := got, want; g.Volume != w.Volume || g.Mountpoint != w.Mountpoint || g.GID != w.GID || g.Root != w.Root || g.Files != w.Files {
		t.Errorf("got %+v, want %+v", g, w)
	}
	if _, ok := m.Base("e", "/src", 0); ok {
		t.Error("another user's base is found")
	}
	m.DropBase(want)
	if _, ok := m.Base("e", "/src", 3434); ok {
		t.Error("a dropped base is found")
	}
}

func TestOldBases(t *testing.T) {
	m, _ := newMemory(t)
	day := 24 * time.Hour
	put := func(name, root string, uid int, created, used time.Duration) {
		now := time.Now()
		err := m.DB.PutBase(t.Context(), db.Base{Engine: "e", Name: name, Root: root, UID: uid, Created: now.Add(-created), Used: now.Add(-used)})
		if err != nil {
			t.Fatal(err)
		}
	}
	put("newest", "/a", 0, 2*day, 2*day)
	put("replaced, in use yesterday", "/a", 0, 3*day, 20*time.Hour)
	put("replaced", "/a", 0, 4*day, 2*day)
	put("newest of another user", "/a", 1, 9*day, 9*day)
	put("newest, not used for weeks", "/b", 0, 30*day, 15*day)
	var got []string
	for _, b := range m.OldBases("e") {
		got = append(got, b.Volume)
	}
	slices.Sort(got)
	if want := []string{"newest, not used for weeks", "replaced"}; !slices.Equal(got, want) {
		t.Errorf("old are %q", got)
	}
	if other := m.OldBases("f"); other != nil {
		t.Errorf("on another engine: %v", other)
	}
}
