package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/runner/config"
	"github.com/popsicle-ci/popsicle/runner/config/orb"
	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

func orbCommand() *cli.Command {
	return &cli.Command{
		Name:  "orb",
		Usage: "keep orbs in the checkout, so that a run fetches nothing",
		Description: `Orbs of the registry and those named by a URL are kept as files under
.popsicle/orbs, with a lock file of versions and hashes: commit both.

   popsicle orb vendor
   popsicle orb list`,
		Commands: []*cli.Command{vendorCommand(), orbListCommand(), packCommand()},
	}
}

func packCommand() *cli.Command {
	return &cli.Command{
		Name:      "pack",
		Usage:     "make one file of an unpacked orb",
		ArgsUsage: "DIR",
		Description: `Packs the folder with @orb.yml, commands/, jobs/ and executors/, or the one
that has such a folder as src/, into one document, with the files that
<<include(…)>> names.

   popsicle orb pack src -o orb.yml

A config can use the folder as it is:  orbs: {mine: ./src}`,
		Flags:        []cli.Flag{outputFlag()},
		Suggest:      true,
		OnUsageError: usageError,
		Action:       packAction,
	}
}

func packAction(_ context.Context, c *cli.Command) error {
	if c.Args().Len() != 1 {
		return usage("orb pack takes one folder, not %d arguments", c.Args().Len())
	}
	dir := c.Args().First()
	if exists(dir+"/src/@orb.yml") && !exists(dir+"/@orb.yml") {
		dir += "/src"
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return usage("%s is no folder: name the one with @orb.yml", dir)
	}
	n, err := orb.Read(os.DirFS(dir), ".")
	if err != nil {
		return usage("%s: %w", dir, err)
	}
	return deliver(c, tree.Write(n))
}

func orbListCommand() *cli.Command {
	return &cli.Command{
		Name:      "list",
		Usage:     "list the orbs that configs use, and where they are",
		ArgsUsage: "[FILE…]",
		Description: `Lists what the FILEs, or those of the checkout, ask for, with the orbs that
orbs import, and what is vendored besides.

   popsicle orb list
   popsicle orb list .circleci/config.yml`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "as a JSON array"},
			&cli.StringSliceFlag{Name: "param", Aliases: []string{"p"}, Usage: "set a pipeline parameter, `NAME=VALUE`"},
			dirFlag(),
		},
		Suggest:      true,
		OnUsageError: usageError,
		Action:       orbListAction,
	}
}

func orbListAction(_ context.Context, c *cli.Command) error {
	p, err := openProject(c, c.Args().Slice())
	if err != nil {
		return err
	}
	s, err := p.survey(c)
	if err != nil {
		return err
	}
	rows := s.rows()
	if c.Bool("json") {
		return writeJSON(stdout(c), rows)
	}
	return writeOrbs(stdout(c), rows)
}

// A survey is an OrbSource that remembers what it was asked for.
type survey struct {
	orb.Library
	lock orb.Lock
	refs []string // in the order in which they were asked for
	errs map[string]error
}

// Orb gives an orb as the library does.
func (s *survey) Orb(ref string) (*tree.Node, error) {
	n, err := s.Library.Orb(ref)
	if !slices.Contains(s.refs, ref) {
		s.refs = append(s.refs, ref)
		s.errs[ref] = err
	}
	return n, err
}

// survey looks for the orbs of all files. Mistakes in the files that have
// nothing to do with orbs are not looked at.
func (p *project) survey(c *cli.Command) (*survey, error) {
	params, err := parameters(c.StringSlice("param"))
	if err != nil {
		return nil, err
	}
	s := &survey{Library: p.library(), errs: map[string]error{}}
	if s.lock, err = s.Lock(); err != nil {
		return nil, usageErr{err}
	}
	for _, source := range p.sources {
		f, err := config.Parse(source.Path, source.Text)
		if err != nil {
			return nil, err
		}
		_, _ = f.Expand(config.Options{Branch: "main", Parameters: params, Orbs: s}) // it asks for the orbs; validate tells the rest
	}
	return s, nil
}

// unused are the locked orbs that nobody asked for.
func (s *survey) unused() []string {
	var refs []string
	for ref := range s.lock {
		if !slices.Contains(s.refs, ref) {
			refs = append(refs, ref)
		}
	}
	slices.Sort(refs)
	return refs
}

// An orbRow is one orb of `popsicle orb list`.
type orbRow struct {
	Ref     string `json:"ref"`
	State   string `json:"state"` // vendored, changed, missing, local, or unused
	Version string `json:"version,omitempty"`
	File    string `json:"file,omitempty"`
	Error   string `json:"error,omitempty"`
}

func (s *survey) rows() []orbRow {
	rows := []orbRow{}
	for _, ref := range s.refs {
		rows = append(rows, s.row(ref))
	}
	for _, ref := range s.unused() {
		e := s.lock[ref]
		rows = append(rows, orbRow{Ref: ref, State: "unused", Version: e.Version, File: vendored + "/" + e.File})
	}
	return rows
}

func (s *survey) row(ref string) orbRow {
	r := orbRow{Ref: ref, State: "vendored"}
	e, locked := s.lock[ref]
	_, registered := orb.ParseRef(ref)
	local := !registered && !orb.IsURL(ref)
	switch err := s.errs[ref]; {
	case locked:
		r.Version, r.File = e.Version, vendored+"/"+e.File
		if err != nil {
			r.State, r.Error = "changed", err.Error()
		}
		if errors.Is(err, fs.ErrNotExist) {
			r.State = "missing"
		}
	case local && err == nil:
		r.State, r.File = "local", strings.TrimPrefix(ref, "./")
	default:
		r.State, r.Error = "missing", fmt.Sprint(err)
	}
	return r
}

func writeOrbs(w io.Writer, rows []orbRow) error {
	if len(rows) == 0 {
		_, err := fmt.Fprintln(w, "no orb is used")
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "orb\tversion\tstate\tfile")
	for _, r := range rows {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", printable(r.Ref), dash(r.Version), r.State, dash(printable(r.File)))
	}
	return table.Flush()
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// printable makes a name of a config safe to print.
func printable(s string) string { return strings.Trim(fmt.Sprintf("%q", s), `"`) }
