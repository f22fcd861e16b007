package commands

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/go-multierror"

	"github.com/popsicle-ci/popsicle/commands/vault"
	"github.com/popsicle-ci/popsicle/gitops"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// openVault is where the secrets of contexts and projects are. It is opened
// when something is read of it.
func openVault() (*vault.Vault, error) {
	dir, err := home()
	if err != nil {
		return nil, err
	}
	use := vault.Where(os.Getenv("POPSICLE_SECRETS"))
	switch use {
	case "":
		use = vault.Auto
	case vault.Auto, vault.Keychain, vault.File:
	default:
		return nil, usage("POPSICLE_SECRETS=%s: there are auto, keychain and file", use)
	}
	return &vault.Vault{Dir: filepath.Join(dir, "contexts"), Use: use}, nil
}

// projectShelf is where the variables of a checkout's project are kept: under
// the address it was cloned from, so that clones share them, or its folder. A
// host is part of the name: ada/app of another host is another project.
func projectShelf(root string, head gitops.Head) vault.Shelf {
	name := root
	if head.Host != "" {
		_, path, _ := strings.Cut(head.RemoteURL, head.Host)
		if u, err := url.Parse(head.RemoteURL); err == nil && u.Host != "" {
			path = u.Path
		}
		name = strings.ToLower(head.Host) + "/" + strings.TrimSuffix(strings.Trim(path, "/:"), ".git")
	}
	return vault.Shelf{Kind: vault.Project, Name: name}
}

// secrets are what the vault holds for a run.
type secrets struct {
	project  []plan.Var
	contexts map[string][]plan.Var // by name; nil where there is no such context
}

// unlock reads the secrets that the plan's jobs get. Contexts that jobs ask
// for and nobody has are an error.
func (l *launch) unlock(context.Context) error {
	if l.untrusted {
		return nil
	}
	v, err := openVault()
	if err != nil {
		return err
	}
	l.project, err = shelved(v, projectShelf(l.repo.Root, l.snapshot.Head()))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return vaultError(err)
	}
	if err := l.unlockContexts(v); err != nil {
		return vaultError(err)
	}
	return l.known(l.plan)
}

// unlockContexts opens the contexts of the plan's jobs, or all where a config
// that is still to be made may name any: what it prints must be masked.
func (l *launch) unlockContexts(v *vault.Vault) error {
	names := contextsOf(l.plan)
	if setUp(l.plan) {
		all, _, err := v.Shelves(vault.Context)
		if err != nil {
			return err
		}
		names = append(names, all...)
	}
	l.contexts = map[string][]plan.Var{}
	for _, name := range names {
		if l.mayUse != nil && !l.mayUse(name) {
			continue
		}
		vars, err := shelved(v, vault.Shelf{Kind: vault.Context, Name: name})
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		l.contexts[name] = vars
	}
	return nil
}

func contextsOf(p *plan.Pipeline) []string {
	var names []string
	for j := range p.Jobs() {
		names = append(names, j.Contexts...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// askers names the jobs that ask for a context, and where the first does.
func askers(p *plan.Pipeline, context string) string {
	var first *plan.Job
	n := 0
	for j := range p.Jobs() {
		if !slices.Contains(j.Contexts, context) {
			continue
		}
		if n++; first == nil {
			first = j
		}
	}
	who := fmt.Sprintf("%s: job %s", first.Pos, first.Name)
	if n > 1 {
		who += fmt.Sprintf(" (and %d more)", n-1)
	}
	return who
}

// shelved are the variables of a shelf, by name.
func shelved(v *vault.Vault, s vault.Shelf) ([]plan.Var, error) {
	values, err := v.Values(s)
	var vars []plan.Var
	for _, name := range slices.Sorted(maps.Keys(values)) {
		vars = append(vars, plan.Var{Name: name, Value: values[name]})
	}
	return vars, err
}

// known says which contexts of the jobs of p are not known here.
func (l *launch) known(p *plan.Pipeline) error {
	if l.untrusted || l.anyContext {
		return nil
	}
	var all *multierror.Error
	for _, name := range contextsOf(p) {
		if _, ok := l.contexts[name]; !ok {
			all = multierror.Append(all, fmt.Errorf("%s asks for context %s, which is not known here: popsicle context set %s KEY", askers(p, name), name, shellWord(name)))
		}
	}
	if all == nil {
		return nil
	}
	all.ErrorFormat = func(errs []error) string {
		return lines(errs) + "\n  to run without them: popsicle run --missing-contexts ignore"
	}
	return all
}

// shellWord writes a name of the config in a command to type.
func shellWord(s string) string {
	if vault.Variable(strings.ReplaceAll(s, "-", "_")) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// vaultError makes wrong usage of what the user can mend.
func vaultError(err error) error {
	if errors.Is(err, vault.ErrOpen) || errors.Is(err, fs.ErrNotExist) {
		return usageErr{err}
	}
	return err
}

// all are the secrets of the run, for its mask.
func (l *launch) all() []plan.Var {
	all := slices.Concat(l.project, l.env, keySecrets(l.keys))
	for _, vars := range l.contexts {
		all = append(all, vars...)
	}
	return all
}
