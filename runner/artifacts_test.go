package runner

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
	"github.com/popsicle-ci/popsicle/runner/stash"
	"github.com/popsicle-ci/popsicle/testscripts/images"
)

// kept reads the artifacts of a run back from the stash, by path.
func (r *rig) kept() map[string]string {
	r.t.Helper()
	store := stash.New(r.home + "/stash")
	found := map[string]string{}
	for _, e := range r.events {
		stored, ok := e.(event.ArtifactsStored)
		if !ok {
			continue
		}
		content, err := store.Open(stored.Blob)
		if err != nil {
			r.t.Fatal(err)
		}
		for _, f := range stored.Files {
			text := make([]byte, f.Size)
			if _, err := content.Seek(f.Offset, io.SeekStart); err != nil {
				r.t.Fatal(err)
			}
			if _, err := io.ReadFull(content, text); err != nil {
				r.t.Fatalf("%s at %d: %v", f.Path, f.Offset, err)
			}
			found[f.Path] = string(text)
		}
		if err := content.Close(); err != nil {
			r.t.Error(err)
		}
	}
	return found
}

func TestArtifacts(t *testing.T) {
	const prepare = `mkdir -p out/.hidden/deep ~/art /tmp/else && cd out
echo one >a.txt; echo two >.hidden/deep/b; : >empty; ln a.txt hard; ln -s a.txt soft; ln -s ../a.txt .hidden/up; ln -s .hidden dir
ln -s /nowhere gone; ln -s . loop; mkfifo pipe; printf 'a name' >'x y'\''z'; echo home >~/art/h; echo else >/tmp/else/e
chmod 600 a.txt; ln -s /etc/hostname outside`
	for name, image := range map[string]string{"busybox": images.Busybox(t), "debian": images.Debian(t), "cimg": images.Cimg(t)} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, map[string]string{"README": "x"})
			o := r.run(jobOn(image, prepare, plan.StoreArtifacts{Path: "out"}, plan.StoreArtifacts{Path: "~/art", Destination: "here/"},
				plan.StoreArtifacts{Path: "/tmp/else"}, plan.StoreArtifacts{Path: "out/a.txt", Destination: "renamed.txt"},
				plan.StoreArtifacts{Path: "./out/a.txt", Destination: "../../up/"}, plan.StoreArtifacts{Path: "out/*.txt"}, plan.StoreArtifacts{Path: "out/soft"}))
			r.must(t, o)
			got := r.kept()
			host := got["out/outside"]
			delete(got, "out/outside")
			want := map[string]string{
				"out/a.txt": "one\n", "out/.hidden/deep/b": "two\n", "out/empty": "", "out/hard": "one\n", "out/soft": "one\n", "out/.hidden/up": "one\n",
				"out/x y'z": "a name", "here/h": "home\n", "tmp/else/e": "else\n", "renamed.txt": "one\n", "up/a.txt": "one\n",
			}
			if fmt.Sprint(got) != fmt.Sprint(want) || host == "" {
				t.Errorf("got  %v\nwant %v\nhost %q\n%s", got, want, host, r.story())
			}
			if said := r.said(3); !strings.Contains(said, "Stored 8 artifacts") || !strings.Contains(said, "4 entries left out") {
				t.Errorf("said %q", said)
			}
			if !strings.Contains(r.warnings(), "out/*.txt: there is nothing at") {
				t.Errorf("warnings: %s", r.warnings())
			}
		})
	}
}

func TestArtifactsAreKeptAfterAFailure(t *testing.T) {
	r := newRig(t, map[string]string{"README": "x"})
	o := r.run(jobOn(images.Busybox(t), "echo why >log; exit 3", always(plan.StoreArtifacts{Path: "log"}), always(plan.StoreArtifacts{Path: "nothing"})))
	if o.Status != event.Failed || r.kept()["log"] != "why\n" || r.warnings() != "" {
		t.Errorf("%s, %v, %s", o.Status, r.kept(), r.warnings())
	}
}

func TestManyArtifactsAreFewContents(t *testing.T) {
	r := newRig(t, map[string]string{"README": "x"})
	o := r.run(jobOn(images.Busybox(t), "mkdir out; cd out; i=0; while [ $i -lt 4500 ]; do echo $i >$i; i=$((i+1)); done; ln 7 7x; ln 4400 4400x", plan.StoreArtifacts{Path: "out"}))
	r.must(t, o)
	got, said := r.kept(), 0
	for _, e := range r.events {
		if _, ok := e.(event.ArtifactsStored); ok {
			said++
		}
	}
	if len(got) != 4502 || said < 3 || said > 5 {
		t.Errorf("%d artifacts in %d events", len(got), said)
	}
	for i := range 4500 {
		if got[fmt.Sprint("out/", i)] != fmt.Sprint(i, "\n") {
			t.Fatalf("%d holds %q", i, got[fmt.Sprint("out/", i)])
		}
	}
	if got["out/7x"] != "7\n" || got["out/4400x"] != "4400\n" {
		t.Errorf("links hold %q and %q", got["out/7x"], got["out/4400x"])
	}
}

// TestArtifactsOfAHostileTar lets the container's tar say what it wants.
func TestArtifactsOfAHostileTar(t *testing.T) {
	r := newRig(t, map[string]string{"README": "x"})
	o := r.run(jobOn(images.Debian(t), `mkdir -p out x && echo evil >x/f && cd x && tar -P -cf /tar.out --transform 's,^f,../../../../escaped,' f
tar -P -rf /tar.out --transform 's,^f,/etc/absolute,' f
printf '#!/bin/sh\ncat /tar.out\n' >/usr/local/bin/tar; chmod +x /usr/local/bin/tar`, plan.StoreArtifacts{Path: "out", Destination: "d"}))
	r.must(t, o)
	if got := r.kept(); fmt.Sprint(got) != fmt.Sprint(map[string]string{"d": "evil\n"}) {
		t.Errorf("got %v", got)
	}
}

func TestArtifactsWithSecretsAreNamed(t *testing.T) {
	r := newRig(t, map[string]string{"README": "x"})
	o := r.run(jobOn(images.Busybox(t), "echo the hunter2-secret is here >leak; echo nothing >fine", plan.StoreArtifacts{Path: "."}), func(run *Runner) {
		run.Env = []plan.Var{{Name: "TOKEN", Value: "hunter2-secret"}}
		run.Mask = NewMask(run.Env)
	})
	r.must(t, o)
	if w := r.warnings(); !strings.Contains(w, "the artifact leak holds the secret of TOKEN") || strings.Contains(w, "fine") {
		t.Errorf("warnings: %s", w)
	}
}

func TestArtifactPath(t *testing.T) {
	j := &job{plan: &plan.Job{WorkDir: "~/project"}, session: &session{hello: hello{Home: "/root"}}}
	for _, c := range []struct{ path, destination, rel, want string }{
		{"out", "", "a/b", "out/a/b"}, {"out/f.txt", "", "", "out/f.txt"}, {".", "", "a", "a"}, {"/root/project/x", "", "a", "x/a"},
		{"/tmp/x", "", "a", "tmp/x/a"}, {"~/x", "", "a", "root/x/a"}, {"/tmp/f", "", "", "tmp/f"}, {"../up", "", "a", "root/up/a"},
		{"/tmp/f", "name", "", "name"}, {"/tmp/f", "dir/", "", "dir/f"}, {"/tmp/x", "d/e", "a/b", "d/e/a/b"}, {"/tmp/x", "/../d", "../a", "a"},
	} {
		if got := j.artifactPath(plan.StoreArtifacts{Path: c.path, Destination: c.destination}, c.rel); got != c.want {
			t.Errorf("%+v: got %s", c, got)
		}
	}
}
