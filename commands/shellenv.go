package commands

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/popsicle-ci/popsicle/commands/term"
	"github.com/popsicle-ci/popsicle/commands/vault"
	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/gitops"
	"github.com/popsicle-ci/popsicle/runner"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

func isTerminal(f *os.File) bool { return term.IsTerminal(f) }

// lookUp reads again the secrets that a job had, in the order that counts: of
// the project, of contexts, of the command line. It says which are not found.
func (l *launch) lookUp(ctx context.Context, p db.Pipeline, k runner.Kept) ([]plan.Var, error) {
	if len(k.Secrets) == 0 {
		return l.env, nil
	}
	v, err := openVault()
	if err != nil {
		return nil, err
	}
	shelves := []vault.Shelf{}
	if repo, err := gitops.Open(ctx, p.Root); err == nil { // a checkout that is gone has no variables
		if s, err := repo.Snapshot(ctx, gitops.Source{}); err == nil {
			shelves = append(shelves, projectShelf(repo.Root, s.Head()))
		}
	}
	for _, name := range k.Contexts {
		shelves = append(shelves, vault.Shelf{Kind: vault.Context, Name: name})
	}
	var all []plan.Var
	for _, s := range shelves {
		vars, err := shelved(v, s)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, vaultError(err)
		}
		all = append(all, vars...)
	}
	all = append(all, l.env...)
	var missing []string
	for _, name := range k.Secrets {
		if !slices.ContainsFunc(all, func(v plan.Var) bool { return v.Name == name }) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		fmt.Fprintf(os.Stderr, "not set, for their values are not kept: %s; give them with -e\n", strings.Join(missing, ", "))
	}
	return all, nil
}
