package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/docker"
	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
	"github.com/popsicle-ci/popsicle/testscripts/images"
)

func writeScript(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// A job that is cancelled while it reads for all spoils nothing for the others.
func TestTreeIsReadAgainAfterACancel(t *testing.T) {
	c := newRigWithoutEngine(t, map[string]string{"f": "text\n"}).runner().Checkout
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Tree(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("read under a cancel: %v", err)
	}
	tree, err := c.Tree(t.Context())
	if err != nil || len(tree.Files) != 1 {
		t.Fatalf("%v, %v", tree, err)
	}
	if _, err := tree.ReadRefs(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("asked under a cancel: %v", err)
	}
	if refs, err := tree.ReadRefs(t.Context()); err != nil || !strings.Contains(refs, "refs/heads/main") {
		t.Errorf("%q, %v", refs, err)
	}
	if again, err := c.Tree(gone); again != tree || err != nil {
		t.Errorf("what is read stays: %v", err)
	}
}

// worked makes the checkout one that somebody works in: tags, a remote, and
// files that are changed, new, staged, ignored and deleted.
func (r *rig) worked() {
	r.t.Helper()
	r.git("tag", "v1.0")
	r.git("update-ref", "refs/remotes/origin/main", "HEAD")
	r.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
	r.git("remote", "add", "origin", "https://github.com/octo/project.git")
	r.write(map[string]string{"later": "later\n"})
	r.git("add", "-A")
	r.git("commit", "-q", "-m", "second")
	r.write(map[string]string{"changed": "changed on disk\n", "new/file": "new\n", "ignored.log": "noise\n", "tool": "#!/bin/sh\necho tool 2\n"})
	for _, err := range []error{
		os.Remove(filepath.Join(r.dir, "gone/deep")), os.Remove(filepath.Join(r.dir, "gone")),
		os.Symlink("changed", filepath.Join(r.dir, "newlink")),
	} {
		if err != nil {
			r.t.Fatal(err)
		}
	}
}

var workFiles = map[string]string{
	"changed": "first\n", "gone/deep": "gone\n", "same": "same\n", "tool*": "#!/bin/sh\necho tool\n", ".gitignore": "*.log\n", "sub dir/it's": "odd\n",
}

// listing prints each file below here as the tests want it: type, mode, owner
// and name.
const listing = `find . -path ./.git -prune -o ! -type d -print | sort | while IFS= read -r f; do
	if [ -L "$f" ]; then echo "link $(readlink "$f") $f"; else stat -c '%a %u:%g %n' "$f"; fi; done`

func (r *rig) listing(uid int) string {
	r.t.Helper()
	cmd := exec.Command("sh", "-c", listing)
	cmd.Dir = r.dir
	out, err := cmd.Output()
	if err != nil {
		r.t.Fatal(err)
	}
	var want strings.Builder
	for line := range strings.Lines(string(out)) {
		if !strings.HasSuffix(line, ".log\n") {
			want.WriteString(strings.Replace(line, fmt.Sprintf(" %d:%d ", os.Getuid(), os.Getgid()), fmt.Sprintf(" %d:%d ", uid, uid), 1))
		}
	}
	return want.String()
}

func TestCheckout(t *testing.T) {
	git := []string{
		"git rev-parse HEAD", "git rev-parse --abbrev-ref HEAD", "git log --oneline", "git describe --tags", "git diff --stat origin/main...",
		"git status --porcelain", "git diff", "git remote -v", "git show HEAD:same", "git fsck --no-dangling",
	}
	for name, image := range map[string]string{"busybox": images.Busybox(t), "debian": images.Debian(t), "cimg": images.Cimg(t)} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, workFiles)
			r.worked()
			r.git("status") // refreshes the index, which is git's own to write
			before := r.fingerprint()
			hasGit := name != "busybox"
			steps := []any{plan.Checkout{}, listing, "cat changed new/file newlink; ./tool; ls gone 2>/dev/null || echo no gone"}
			if hasGit {
				for _, command := range git {
					steps = append(steps, command)
				}
			}
			o := r.run(jobOn(image, steps...))
			r.must(t, o)
			r.unchanged(before) // before this test's own git touches the index
			uid := map[string]int{"cimg": 3434}[name]
			if got, want := r.said(3), r.listing(uid); got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
			if got, want := r.said(4), "changed on disk\nnew\nchanged on disk\ntool 2\nno gone\n"; got != want {
				t.Errorf("got %q", got)
			}
			if hasGit {
				for i, command := range git {
					if got, want := r.said(5+i), r.git(strings.Fields(command)[1:]...); got != want {
						t.Errorf("%s\ngot  %q\nwant %q", command, got, want)
					}
				}
			}
		})
	}
}

func TestCheckoutWithoutTar(t *testing.T) {
	image := images.Busybox(t)
	const bare = "popsicle-test/without-tar:1"
	build := exec.Command("docker", "build", "--quiet", "--tag", bare, "-")
	build.Stdin = strings.NewReader("FROM " + image + "\nRUN rm /bin/tar\nRUN rm -f /usr/bin/setsid\n")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("docker", "rmi", bare).Run() })
	r := newRig(t, workFiles)
	o := r.run(jobOn(bare, plan.Checkout{}, listing, plan.Run{Command: "sleep 300 | cat", NoOutputTimeout: soon}, always(plan.Run{Command: "ps | grep '[s]leep 300' || echo none"})))
	if o.Status != event.Failed {
		t.Fatalf("%+v\n%s", o, r.story())
	}
	if got, want := r.said(3), r.listing(0); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := r.said(5); got != "none\n" {
		t.Errorf("after the timeout: %q", got)
	}
}

func TestCheckoutIntoWhatIsNotEmpty(t *testing.T) {
	r := newRig(t, map[string]string{"file": "content\n"})
	o := r.run(jobOn(images.Busybox(t), "echo x >here", plan.Checkout{}, always(plan.Run{Command: "ls"}), always(plan.Checkout{Path: "~/other place"}), always(plan.Run{Command: "cat '../other place/file'"})))
	if o.Status != event.Failed || !strings.Contains(r.said(3), "not empty") || r.said(4) != "here\n" || r.said(6) != "content\n" {
		t.Errorf("%s: %s", o.Status, r.story())
	}
}

// large is more files than go through the pipe.
func large() map[string]string {
	files := map[string]string{"changed": "first\n", "gone/deep": "gone\n", "swap": "file\n", "pair/a": "a\n", "pair/b": "b\n"}
	for i := range largeFiles + 100 { // still large when some are deleted
		files[fmt.Sprintf("many/%02d/%d", i%40, i)] = fmt.Sprintln(i)
	}
	return files
}

const tidy = `find . -path ./.git -prune -o -print | sort`

func (r *rig) tidy() string {
	r.t.Helper()
	cmd := exec.Command("sh", "-c", tidy)
	cmd.Dir = r.dir
	out, err := cmd.Output()
	if err != nil {
		r.t.Fatal(err)
	}
	return string(out)
}

// change changes a large tree in every way there is.
func (r *rig) change() {
	r.t.Helper()
	if out, err := exec.Command("sh", "-c", "cd '"+r.dir+"' && rm -r gone pair swap many/03 && ln -s changed pair && mkdir swap && echo in >swap/in && echo more >>changed && chmod 755 many/04/4 && echo new >new").CombinedOutput(); err != nil {
		r.t.Fatalf("%v: %s", err, out)
	}
}

func TestLargeCheckout(t *testing.T) {
	for name, image := range map[string]string{"busybox": images.Busybox(t), "cimg": images.Cimg(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, large())
			steps := []any{plan.Checkout{}, tidy, "cat changed; ls -l many/04/4 | cut -c1-10; stat -c '%u' . many/05 many/05/5 changed; echo mine >many/05/5; touch mine", "git status --porcelain 2>/dev/null || true"}
			r.must(t, r.run(jobOn(image, steps...)))
			first := r.memory.volumes()
			if len(first) != 1 || r.said(3) != r.tidy() {
				t.Fatalf("bases %v; got\n%.500s\nwant\n%.500s", first, r.said(3), r.tidy())
			}

			r.change()
			before := r.fingerprint()
			r.must(t, r.run(jobOn(image, steps...)))
			if got := r.memory.volumes(); len(got) != 1 || got[0] != first[0] {
				t.Errorf("bases %v, after %v", got, first)
			}
			if got, want := r.said(3), r.tidy(); got != want {
				t.Errorf("after changes: %s", firstDifference(got, want))
			}
			uid := map[string]string{"busybox": "0\n", "cimg": "3434\n"}[name]
			if got, want := r.said(4), "first\nmore\n-rwxr-xr-x\n"+strings.Repeat(uid, 4); got != want {
				t.Errorf("got %q", got)
			}
			if !strings.Contains(r.said(2), "the rest was there") {
				t.Errorf("the checkout says %q", r.said(2))
			}
			r.unchanged(before)

			// Somebody removes the base behind our back.
			if err := (docker.CLI{}).VolumeRemove(t.Context(), first...); err != nil {
				t.Fatal(err)
			}
			r.must(t, r.run(jobOn(image, steps...)))
			if got := r.memory.volumes(); len(got) != 1 || got[0] == first[0] || r.said(3) != r.tidy() {
				t.Errorf("bases %v, after %v; %s; %s", got, first, firstDifference(r.said(3), r.tidy()), r.said(1))
			}
		})
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d: got %q, want %q", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("got %d lines, want %d", len(g), len(w))
}

// A history that cannot be written must not keep a large checkout from
// running.
func TestLargeCheckoutWithoutMemory(t *testing.T) {
	t.Parallel()
	r := newRig(t, large())
	r.memory.forgetful = true
	r.must(t, r.run(jobOn(images.Busybox(t), plan.Checkout{}, "cat changed")))
	if r.said(3) != "first\n" {
		t.Errorf("%s", r.story())
	}
}

// A mount that fails is no proof that the base is gone.
func TestBaseThatCannotBeMountedStays(t *testing.T) {
	t.Parallel()
	image := images.Busybox(t)
	r := newRig(t, large())
	r.must(t, r.run(jobOn(image, plan.Checkout{})))
	base := r.memory.volumes()
	bin := filepath.Join(t.TempDir(), "docker")
	writeScript(t, bin, `#!/bin/sh
case "$*" in
run*type=overlay*) echo 'docker: Error response from daemon: failed to mount local volume: operation not permitted.' >&2; exit 125 ;;
esac
exec docker "$@"
`)
	r.must(t, r.run(jobOn(image, plan.Checkout{}, "cat changed"), func(r *Runner) { r.Docker.Bin = bin }))
	if got := r.memory.volumes(); len(got) != 1 || got[0] != base[0] || r.said(3) != "first\n" {
		t.Errorf("bases %v, before %v\n%s", got, base, r.story())
	}
}
