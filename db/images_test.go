package db

import (
	"testing"
	"time"
)

func TestImageFacts(t *testing.T) {
	d := open(t)
	if _, err := d.ImageFacts(t.Context(), "sha256:1", ""); !isNotFound(err) {
		t.Errorf("facts of an unknown image: %v", err)
	}
	root := ImageFacts{Image: "sha256:1", Home: "/root", Shell: "/bin/sh", HasTar: true, Arch: "arm64", Seen: clock}
	user := ImageFacts{Image: "sha256:1", User: "ci", UID: 3434, GID: 3434, Home: "/home/ci", Shell: "/bin/bash", HasGit: true, HasBash: true, Seen: clock}
	for _, f := range []ImageFacts{{Image: "sha256:1", Home: "/old"}, root, user} {
		if err := d.PutImageFacts(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []ImageFacts{root, user} {
		got, err := d.ImageFacts(t.Context(), want.Image, want.User)
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, want)
	}
}

func TestBases(t *testing.T) {
	d := open(t)
	at := func(minutes int) time.Time { return clock.Add(time.Duration(minutes) * time.Minute) }
	base := func(name string, uid, created int) Base {
		return Base{
			Engine: "e", Name: name, Root: "/src", Tree: "t" + name, UID: uid, GID: 1, Bytes: 2, Files: 3,
			Created: at(created), Used: at(created), Manifest: []byte("what lies in " + name),
		}
	}
	if _, err := d.NewestBase(t.Context(), "e", "/src", 0); !isNotFound(err) {
		t.Errorf("the newest of none: %v", err)
	}
	other := base("other", 0, 9)
	other.Engine = "f"
	for _, b := range []Base{base("old", 0, 1), base("new", 0, 2), base("user", 1000, 3), other} {
		if err := d.PutBase(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	newest, err := d.NewestBase(t.Context(), "e", "/src", 0)
	if err != nil {
		t.Fatal(err)
	}
	same(t, newest, base("new", 0, 2))

	if err := d.TouchBase(t.Context(), "e", "old", at(5)); err != nil {
		t.Fatal(err)
	}
	if err := d.DeleteBase(t.Context(), "e", "user"); err != nil {
		t.Fatal(err)
	}
	bases, err := d.Bases(t.Context(), "e")
	if err != nil || len(bases) != 2 || bases[0].Name != "new" || bases[1].Name != "old" || !bases[1].Used.Equal(at(5)) {
		t.Errorf("%+v, %v", bases, err)
	}
	if err := d.PutBase(t.Context(), Base{Engine: "e", Name: "new"}); err != nil { // in place of the other
		t.Fatal(err)
	}
	if newest, err := d.NewestBase(t.Context(), "e", "/src", 0); err != nil || newest.Name != "old" {
		t.Errorf("the newest is %s, %v", newest.Name, err)
	}
}
