package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/popsicle-ci/popsicle/gitops"
	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// A Checkout is what a run tests. The tree is read beside the start of the
// first containers.
type Checkout struct {
	Repo     *gitops.Repo
	Snapshot *gitops.Snapshot

	mu   sync.Mutex
	read bool
	tree *gitops.Tree
	err  error

	engaged lazyGate
}

// headStart is how long the reading of a tree waits for the engine.
const headStart = 100 * time.Millisecond

// Await waits until the engine has got its first work, for a moment: to read a
// large tree takes all CPUs, and the start of a container takes longer.
func (c *Checkout) Await(ctx context.Context) {
	select {
	case <-c.engaged.opened():
	case <-time.After(headStart): // there may be nothing for it to do
	case <-ctx.Done():
	}
}

// A lazyGate is closed until it is opened, once and for all.
type lazyGate struct {
	make, close sync.Once
	gate        chan struct{}
}

func (g *lazyGate) opened() chan struct{} {
	g.make.Do(func() { g.gate = make(chan struct{}) })
	return g.gate
}

func (g *lazyGate) open() { g.close.Do(func() { close(g.opened()) }) }

// Tree reads the tree, once. Who is cancelled meanwhile leaves it to the next.
func (c *Checkout) Tree(ctx context.Context) (*gitops.Tree, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.read {
		c.tree, c.err = c.Snapshot.Tree(ctx)
		c.read = c.err == nil || ctx.Err() == nil
	}
	return c.tree, c.err
}

// largeFiles and largeBytes are the size from which a tree is worth a base
// volume: below it, a tar through the pipe is quicker than a mount.
const (
	largeFiles = 1500
	largeBytes = 16 << 20
)

// Large says whether a tree is worth a base volume.
func Large(files int, bytes int64) bool { return files >= largeFiles || bytes >= largeBytes }

// objectsDir is where a container sees the host's git objects, read-only.
const objectsDir = "/.popsicle/objects"

// destination is the folder a checkout step puts the tree into.
func destination(job *plan.Job, c plan.Checkout, home string) string {
	dir := expand(job.WorkDir, home, home)
	if c.Path == "" {
		return dir
	}
	return expand(c.Path, dir, home)
}

// checkoutOf returns the first checkout step of a job.
func checkoutOf(job *plan.Job) (plan.Checkout, bool) {
	for _, s := range job.Steps {
		if c, ok := s.Do.(plan.Checkout); ok {
			return c, true
		}
	}
	return plan.Checkout{}, false
}

// checkout puts the tested tree, as a git repository, into its folder. A
// failure of the job is a status with a text; an error is ours.
func (j *job) checkout(ctx context.Context, c plan.Checkout) (event.Status, error) {
	dir := destination(j.plan, c, j.session.hello.Home)
	tree, err := j.runner.Checkout.Tree(ctx)
	if err != nil {
		return event.InfrastructureFail, err
	}
	free, readable, err := j.survey(ctx, j.vacancy(dir))
	if err != nil || !free {
		if err == nil {
			j.say("%s is not empty and not a git repository: a checkout goes into an empty folder.\n", dir)
		}
		return event.Failed, err
	}
	if !j.inView(dir) {
		if err := j.place(ctx, dir, delivery{tree: tree, readable: readable}); err != nil {
			return event.InfrastructureFail, err
		}
		j.say("Checked out %s into %s\n", files(len(tree.Files)), dir)
		return event.Success, nil
	}
	changed, deleted := tree.Since(j.view.manifest)
	if err := j.remove(ctx, dir, deleted); err != nil {
		return event.InfrastructureFail, err
	}
	if err := j.place(ctx, dir, delivery{tree: tree, only: changed, base: &j.view.manifest, readable: readable}); err != nil {
		return event.InfrastructureFail, err
	}
	j.say("Checked out %s into %s (%d sent, %d removed, the rest was there)\n", files(len(tree.Files)), dir, len(changed), len(deleted))
	j.runner.renew(j.view, changed)
	return event.Success, nil
}

// inView says whether the folder has the tree of a base already.
func (j *job) inView(dir string) bool { return j.view != nil && j.view.dir == dir && j.resume == nil }

func files(n int) string {
	if n == 1 {
		return "1 file"
	}
	return fmt.Sprintf("%d files", n)
}

// vacancy is shell text that ends with 0 where a checkout may go into dir: as
// in CircleCI, it must be empty or a git repository.
func (j *job) vacancy(dir string) string {
	if j.inView(dir) {
		return ":"
	}
	d := quote(dir)
	return fmt.Sprintf(`[ ! -d %s ] || [ -e %s/.git ] || [ -z "$(ls -A %s)" ]`, d, d, d)
}

// survey says whether shell text ends with 0, and whether the container's user
// can read the host's objects that are mounted: the engine may be elsewhere and
// have another folder there. It is one question, because each takes its time.
func (j *job) survey(ctx context.Context, text string) (yes, readable bool, err error) {
	const no, unreadable = 1, 2
	objects := fmt.Sprintf("(exit %d)", unreadable)
	if w := j.witness(); w != "" {
		objects = "[ -r " + quote(objectsDir+"/"+w) + " ] || " + objects
	}
	code, err := j.session.eval(ctx, fmt.Sprintf("if %s; then %s; else (exit %d); fi", text, objects, no))
	return code != no, code == 0, err
}

// A delivery is what goes into the folder of a checkout.
type delivery struct {
	tree     *gitops.Tree
	only     []gitops.File    // nil: all files
	base     *gitops.Manifest // what the folder has already; nil: nothing
	readable bool             // the host's objects
}

// place sends files of the tree and makes dir a git repository at the tested
// commit, with the host's objects where the container can read them, else with
// a pack of its own.
func (j *job) place(ctx context.Context, dir string, d delivery) error {
	h, b := j.session.hello, j.runner.Build
	var alternates []string
	if d.readable {
		alternates = append([]string{objectsDir}, j.objects[1:]...)
	}
	committed := d.tree.Commit != "" // else there is no repository to speak of
	err := j.send(ctx, dir, func(w io.Writer) error {
		err := d.tree.WriteTar(ctx, w, gitops.TarOptions{Only: d.only, UID: h.UID, GID: h.GID, Open: committed})
		if err != nil || !committed {
			return err
		}
		return d.tree.WriteGit(ctx, w, gitops.GitOptions{Alternates: alternates, UID: h.UID, GID: h.GID, Branch: b.Branch, Tag: b.Tag, Base: d.base})
	})
	if err != nil || alternates != nil || !committed {
		return err
	}
	return j.send(ctx, dir, func(w io.Writer) error {
		_, err := d.tree.WritePack(ctx, w, gitops.PackOptions{UID: h.UID, GID: h.GID, Branch: b.Branch, Tag: b.Tag})
		return err
	})
}

// removeAtOnce is how many paths go into one rm: a command line has limits.
const removeAtOnce = 500

// remove removes paths below dir.
func (j *job) remove(ctx context.Context, dir string, paths []string) error {
	for len(paths) > 0 {
		n := min(len(paths), removeAtOnce)
		words := make([]string, n)
		for i, p := range paths[:n] {
			words[i] = quote("./" + p)
		}
		paths = paths[n:]
		code, err := j.session.eval(ctx, fmt.Sprintf("(cd %s && rm -rf %s)", quote(dir), strings.Join(words, " ")))
		if err == nil && code != 0 {
			err = fmt.Errorf("removing deleted files from %s: rm exited with %d", dir, code)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// witness is the path of some file below the host's objects that are mounted;
// empty: there is none.
func (j *job) witness() string {
	if len(j.objects) == 0 {
		return ""
	}
	path, _ := witness(j.objects[0]) // empty with an error
	return path
}

// witness returns the path of some file below an object folder.
func witness(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		if !e.IsDir() || e.Name() == "info" {
			continue
		}
		if inside, err := os.ReadDir(filepath.Join(dir, e.Name())); err == nil && len(inside) > 0 {
			return e.Name() + "/" + inside[0].Name(), nil
		}
	}
	return "", errors.New("no objects")
}
