package runner

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/plan"
)

// stashImages are images with GNU tar, with busybox's, of a user who is not
// root, and without any tar.
func stashImages(t *testing.T) map[string]string {
	return map[string]string{
		"busybox": "popsicle-test/busybox", "debian": "popsicle-test/debian", "cimg": "popsicle-test/cimg", "no tar": imageWithoutTar(t),
	}
}

// imageWithoutTar makes an image for the time of the test.
func imageWithoutTar(t *testing.T) string {
	t.Helper()
	name := "popsicle-stash-without-tar:" + strings.ToLower(filepath.Base(t.TempDir()))
	made, err := exec.Command("sh", "-c", `c=$(docker create popsicle-test/busybox sh -c 'rm -f /bin/tar /usr/bin/tar') && docker start -a $c >/dev/null && docker commit $c `+name+` && docker rm $c`).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, made)
	}
	t.Cleanup(func() { _ = exec.Command("docker", "rmi", name).Run() }) // ours
	return name
}

const makeTree = `
mkdir -p ~/kept/sub/deep "$HOME/project/rel" /tmp/abs
cd ~/kept
echo one >sub/one; echo two >sub/deep/two; chmod 700 sub/deep; chmod 755 sub/one
ln -s sub/one link; ln -s /nowhere dangling; ln sub/one hard
touch -t 202001020304 sub/deep/two
long=sub/$(printf 'a%.0s' 1 2 3 4 5 6 7 8 9 10)/$(printf 'directory-name%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13)
mkdir -p "$long"; echo long >"$long/file"
echo rel >"$HOME/project/rel/file"; echo abs >"/tmp/abs/with space"
`

const checkTree = `
cd ~/kept
[ "$(cat sub/one)" = one ] && [ "$(cat sub/deep/two)" = two ] && [ "$(readlink link)" = sub/one ] && [ "$(readlink dangling)" = /nowhere ]
[ sub/one -ef hard ]
ls -ld sub/deep | grep drwx------
ls -l sub/one | grep rwxr-xr-x
ls -l sub/deep/two | grep 2020
[ "$(cat sub/a*/*/file)" = long ]
[ "$(cat "$HOME/project/rel/file" "/tmp/abs/with space")" = "$(echo rel; echo abs)" ]
[ -O sub ] && [ -O sub/one ] && [ -O "/tmp/abs/with space" ] && [ -O "$HOME/kept" ]
`

func TestCacheAcrossImages(t *testing.T) {
	images := stashImages(t)
	r := newRig(t, map[string]string{"go.sum": "x\n"})
	key := `v1-{{ checksum "go.sum" }}-{{ .Branch }}-`
	save := plan.SaveCache{Key: key + "full", Paths: []string{"~/kept", "rel", "/tmp/abs", "~/not-there"}}
	for from, image := range images {
		r.shelf.caches = nil
		o := r.run(jobOn(image, plan.Checkout{}, makeTree, save, save))
		r.must(t, o)
		for _, want := range []string{"Warning: there is no ", "/not-there", "Saved 8 files, "} {
			if said := r.said(4); !strings.Contains(said, want) {
				t.Errorf("%s: saving says %q, not %q", from, said, want)
			}
		}
		// openssl dgst -sha256 -binary go.sum | base64
		skipped := "Skipping cache generation, cache already exists for key: v1-c8s4WKaHqElMozIwUwFigvPa051Cz2LKTnndoqrH2aw=-main-full\nFound one created at 20"
		if got := r.said(5); !strings.Contains(got, skipped) {
			t.Errorf("%s: saving again says %q, not %q", from, got, skipped)
		}
		to := map[string]string{"busybox": "debian", "debian": "no tar", "no tar": "busybox", "cimg": "cimg"}[from] // of one home
		o = r.run(jobOn(images[to], plan.Checkout{}, plan.RestoreCache{Keys: []string{"v0", key}}, checkTree))
		if r.must(t, o); !strings.Contains(r.said(3), "No cache is found for key: v0\nFound a cache from") {
			t.Errorf("%s to %s: %q", from, to, r.said(3))
		}
	}
}

// A root's cache is restored by a user, and the other way round.
func TestCacheOwner(t *testing.T) {
	r := newRig(t, nil)
	save := plan.SaveCache{Key: "k{{ epoch }}", Paths: []string{"/tmp/shared"}}
	write := "mkdir -p /tmp/shared/d && echo x >/tmp/shared/d/f"
	check := "[ -O /tmp/shared/d ] && echo y >>/tmp/shared/d/f"
	for _, pair := range [][2]string{{"popsicle-test/debian", "popsicle-test/cimg"}, {"popsicle-test/cimg", "popsicle-test/busybox"}} {
		r.shelf.caches = nil
		r.must(t, r.run(jobOn(pair[0], write, save)))
		r.must(t, r.run(jobOn(pair[1], plan.RestoreCache{Keys: []string{"k"}}, check)))
	}
}

func TestCacheDamage(t *testing.T) {
	r := newRig(t, nil)
	write := "mkdir d && dd if=/dev/urandom of=d/f bs=1024 count=4000 2>/dev/null"
	r.must(t, r.run(jobOn("popsicle-test/busybox", "mkdir d; echo old >d/f", plan.SaveCache{Key: "k-1", Paths: []string{"d"}})))
	r.must(t, r.run(jobOn("popsicle-test/busybox", write, plan.SaveCache{Key: "k-2", Paths: []string{"d"}})))
	blob := r.shelf.caches[1].Content.Blob
	file := filepath.Join(r.home, "stash", "chunks", blob[1:3], blob[1:])
	if err := os.Truncate(file, 10); err != nil {
		t.Fatal(err)
	}
	r.must(t, r.run(jobOn("popsicle-test/busybox", plan.RestoreCache{Keys: []string{"k-"}}, "grep old d/f")))
	if said := r.said(2); !strings.Contains(said, "Warning: cache k-2 is damaged and is removed") {
		t.Errorf("%q", said)
	}
	if len(r.shelf.caches) != 1 {
		t.Error("the damaged cache is still there")
	}
	if err := os.RemoveAll(filepath.Join(r.home, "stash")); err != nil {
		t.Fatal(err)
	}
	r.must(t, r.run(jobOn("popsicle-test/busybox", plan.RestoreCache{Keys: []string{"k-"}}, "! [ -e d ]")))
}

func TestCacheMistakes(t *testing.T) {
	r := newRig(t, nil)
	at := plan.Pos{File: "ci.yml", Line: 7, Column: 5}
	for _, c := range []struct {
		do     plan.Action
		status string
		says   string
	}{
		{plan.SaveCache{Key: `{{ checksum "no.lock" }}`, Paths: []string{"x"}}, "failed", `ci.yml:7:5: save_cache: checksum "/root/project/no.lock": no such file`},
		{plan.SaveCache{Key: "{{ nonsense }}", Paths: []string{"x"}}, "failed", `ci.yml:7:5: save_cache: key:1: function "nonsense" not defined`},
		{plan.SaveCache{Key: "k", Paths: []string{"/"}}, "failed", "path / is the whole container"},
		{plan.SaveCache{Key: "k", Paths: []string{"x", "y*"}}, "success", "Nothing is saved: none of the paths is there"},
		{plan.RestoreCache{Keys: []string{`{{ checksum "no.lock" }}`, "v"}}, "success", "No cache is found for key: v"},
		{plan.RestoreCache{Keys: []string{"{{"}}, "failed", "ci.yml:7:5: restore_cache: "},
	} {
		o := r.run(jobOn("popsicle-test/busybox", plan.Step{When: plan.OnSuccess, Do: c.do, Pos: at}))
		if string(o.Status) != c.status || !strings.Contains(r.said(2), c.says) {
			t.Errorf("%+v: %s, %q; want %s, %q", c.do, o.Status, r.said(2), c.status, c.says)
		}
	}
	if len(r.shelf.caches) > 0 {
		t.Error("a mistake was saved")
	}
}

// What holds a secret is kept, and said.
func TestCacheSecrets(t *testing.T) {
	r := newRig(t, nil)
	token := plan.Var{Name: "TOKEN", Value: "s3cr3t-t0k3n"}
	tune := func(run *Runner) {
		run.Env = []plan.Var{token}
		run.Mask = NewMask(run.Env)
	}
	r.must(t, r.run(jobOn("popsicle-test/busybox", `mkdir d; echo "//registry/:_authToken=$TOKEN" >d/.npmrc; echo x >d/clean`,
		plan.SaveCache{Key: "k-{{ .Environment.TOKEN }}", Paths: []string{"d"}}), tune))
	if said := r.said(3); !strings.Contains(said, "d/.npmrc holds the value of TOKEN") || strings.Contains(said, "clean") {
		t.Errorf("%q", said)
	}
	if key := r.shelf.caches[0].Key; strings.Contains(key, token.Value) || len(key) < 10 {
		t.Errorf("key %q", key)
	}
}

func TestStashLimit(t *testing.T) {
	r := newRig(t, nil)
	tune := func(run *Runner) { run.StashLimit = 1 << 20 }
	o := r.run(jobOn("popsicle-test/debian", "mkdir d; truncate -s 100G d/bomb", plan.SaveCache{Key: "k", Paths: []string{"d"}}), tune)
	if o.Status != "failed" || !strings.Contains(r.said(3), "more than 1.0 MB") {
		t.Errorf("%s: %q", o.Status, r.said(3))
	}
}
