package commands

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/commands/finding"
	"github.com/popsicle-ci/popsicle/commands/registry"
	"github.com/popsicle-ci/popsicle/runner/config"
	"github.com/popsicle-ci/popsicle/runner/config/orb"
	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// A vendor is an OrbSource that fetches what is not here yet. The compiler
// asks it for every orb of a config, and for those that orbs import.
type vendor struct {
	orb.Library
	ctx     context.Context // of the command: the compiler passes none on
	client  *registry.Client
	root    *os.Root // of the project: nothing outside it is written
	params  map[string]string
	update  bool
	old     orb.Lock
	asked   orb.Lock          // what was asked for, by its reference
	fetched map[string][]byte // sources by their file
	failed  map[string]error
	down    error // what the registry said when it could not be reached
	code    int   // what to exit with
	calls   int   // how often it was asked for the file at hand: a config may be too wrong to ask
	report  func(format string, args ...any)
}

func (p *project) newVendor(ctx context.Context, c *cli.Command) (*vendor, error) {
	token, err := registryToken(c)
	if err != nil {
		return nil, err
	}
	client, err := registry.New(c.String("registry"), "popsicle/"+version(), token)
	if err != nil {
		return nil, usageErr{err}
	}
	params, err := parameters(c.StringSlice("param"))
	if err != nil {
		return nil, err
	}
	v := &vendor{
		Library: p.library(), ctx: ctx, client: client, root: p.files, params: params, update: c.Bool("update"),
		asked: orb.Lock{}, fetched: map[string][]byte{}, failed: map[string]error{},
		report: func(format string, args ...any) { fmt.Fprintf(stdout(c), format+"\n", args...) },
	}
	if v.old, err = v.Lock(); err != nil && !v.update {
		return nil, usage("%w: or start anew with --update", err)
	}
	return v, nil
}

// file vendors the orbs of one config, and returns what could not be had.
func (v *vendor) file(s source, lines *sourceLines) ([]finding.Finding, error) {
	f, err := config.Parse(s.Path, s.Text)
	if err != nil {
		return nil, err
	}
	v.calls = 0
	_, err = f.Expand(config.Options{Branch: "main", Parameters: v.params, Orbs: v})
	if v.ctx.Err() != nil {
		return nil, v.ctx.Err()
	}
	k := &check{source: s}
	k.add(err)
	list := k.findings(lines)
	if v.calls > 0 {
		list = slices.DeleteFunc(list, func(f finding.Finding) bool { return !v.mine(f.Message) })
	}
	if len(list) > 0 {
		v.code = max(v.code, exitUsage)
	}
	return list, nil
}

// mine tells whether a mistake is that an orb could not be had; the rest is
// for `config validate`, unless it keeps the config from asking for any orb.
func (v *vendor) mine(message string) bool {
	for _, err := range v.failed {
		if strings.Contains(message, err.Error()) {
			return true
		}
	}
	return false
}

// Orb gives an orb from the checkout, else from the registry.
func (v *vendor) Orb(ref string) (*tree.Node, error) {
	v.calls++
	_, registered := orb.ParseRef(ref)
	if !registered && !orb.IsURL(ref) {
		return v.Library.Orb(ref)
	}
	if n := v.have(ref); n != nil {
		return n, nil
	}
	n, err := v.fetch(ref)
	if err != nil {
		v.failed[ref] = err
		v.code = max(v.code, exitUsage)
	}
	return n, err
}

// have gives an orb that was fetched before, or that is locked and unchanged;
// nil: it must be fetched.
func (v *vendor) have(ref string) *tree.Node {
	if e, known := v.asked[ref]; known {
		if source, now := v.fetched[e.File]; now {
			n, _ := readSource(e.File, source) // it was read when it came
			return n
		}
	} else if _, locked := v.old[ref]; !locked || v.update {
		return nil
	}
	n, err := v.Library.Orb(ref)
	if err == nil {
		v.asked[ref] = v.old[ref]
	}
	return n
}

// fetch gets an orb from where its reference says. One that is locked must
// come as it came the first time.
func (v *vendor) fetch(ref string) (*tree.Node, error) {
	e, source, err := v.get(ref)
	if err != nil {
		return nil, err
	}
	n, err := readSource(vendored+"/"+e.File, source)
	if err != nil {
		return nil, err
	}
	v.asked[ref], v.fetched[e.File] = e, source
	v.report("%s %s  %s/%s", printable(ref), e.Version, vendored, e.File)
	return n, nil
}

func (v *vendor) get(ref string) (orb.Entry, []byte, error) {
	locked, pinned := v.old[ref]
	pinned = pinned && !v.update
	e, source, err := v.download(ref, locked, pinned)
	if err != nil {
		return orb.Entry{}, nil, err
	}
	e.SHA256 = orb.Sum(source)
	if pinned && e.SHA256 != locked.SHA256 {
		return orb.Entry{}, nil, fmt.Errorf("it has the SHA-256 %s now, the lock file says %s: if that is meant, vendor it with --update", e.SHA256, locked.SHA256)
	}
	return e, source, nil
}

// download asks the registry, or the server of a URL.
func (v *vendor) download(ref string, locked orb.Entry, pinned bool) (orb.Entry, []byte, error) {
	r, registered := orb.ParseRef(ref)
	if !registered {
		source, err := v.client.Get(v.ctx, ref)
		return orb.Entry{Version: "-", File: urlFile(ref)}, source, v.blame(err)
	}
	if !namePattern().MatchString(r.Namespace) || !namePattern().MatchString(r.Name) {
		return orb.Entry{}, nil, errors.New("the name of an orb has letters, digits, - and _")
	}
	if pinned {
		r.Version = locked.Version
	}
	if v.down != nil {
		return orb.Entry{}, nil, v.down // to wait for it once is enough
	}
	o, err := v.client.Orb(v.ctx, r.String())
	if errors.Is(err, registry.ErrUnreachable) {
		v.down = err
	}
	if err != nil {
		return orb.Entry{}, nil, v.blame(err)
	}
	exact := cmp.Or(o.Version, r.Version)
	if !versionPattern().MatchString(exact) {
		return orb.Entry{}, nil, fmt.Errorf("the registry gives it the version %q, which is none", exact)
	}
	file := r.Namespace + "/" + r.Name + "@" + strings.ReplaceAll(exact, ":", "-") + ".yml"
	return orb.Entry{Version: exact, File: file}, o.Source, nil
}

// blame takes note of whose fault an error is, for the exit code.
func (v *vendor) blame(err error) error {
	if err != nil && !errors.Is(err, registry.ErrNotFound) && !errors.Is(err, registry.ErrUnsafe) {
		v.code = exitBroken
	}
	return err
}

// What is allowed in the names of files that are written.
func namePattern() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`) }
func versionPattern() *regexp.Regexp {
	return regexp.MustCompile(`^(\d+\.\d+\.\d+|dev:[A-Za-z0-9_.-]+)$`)
}

// urlFile is the file of an orb that a URL names.
func urlFile(address string) string {
	return "url/" + orb.Sum([]byte(address))[:16] + ".yml"
}

func readSource(name string, source []byte) (*tree.Node, error) {
	n, errs := tree.Read(name, source)
	switch {
	case len(errs) > 0:
		// Not wrapped: the mistake is the reference's, in a file that is not kept.
		return nil, errors.New("its source is no orb: " + errs[0].Error())
	case n == nil || n.Kind != tree.Map:
		return nil, errors.New("its source is no orb: it holds no map")
	}
	return n, nil
}

// save writes the sources, and the lock file last. It keeps what was locked
// besides if it shall; else it removes the files of that.
func (v *vendor) save(keep bool) error {
	lock := orb.Lock{}
	used := map[string]bool{orb.LockFile: true}
	for ref, e := range v.old {
		if keep {
			lock[ref], used[e.File] = e, true
		}
	}
	for ref, e := range v.asked {
		lock[ref], used[e.File] = e, true
	}
	for file, source := range v.fetched {
		if err := v.write(file, source); err != nil {
			return err
		}
	}
	if len(lock)+len(v.old) > 0 {
		if err := v.write(orb.LockFile, lock.Format()); err != nil {
			return err
		}
	}
	for _, e := range v.old {
		if !used[e.File] {
			_ = v.root.Remove(path.Join(vendored, e.File))           // it may be gone already
			_ = v.root.Remove(path.Join(vendored, path.Dir(e.File))) // where it was the last
		}
	}
	return nil
}

// write writes a file of the vendored ones in one go: readers see the old one
// or the new one.
func (v *vendor) write(file string, text []byte) error {
	name := path.Join(vendored, file)
	if err := v.root.MkdirAll(path.Dir(name), 0o777); err != nil {
		return err
	}
	if err := v.root.WriteFile(name+".new", text, 0o666); err != nil {
		return err
	}
	return v.root.Rename(name+".new", name)
}
