package commands

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/commands/term"
	"github.com/popsicle-ci/popsicle/db"
)

func artifactsCommand() *cli.Command {
	return &cli.Command{
		Name:      "artifacts",
		Usage:     "list and fetch the files that jobs stored",
		ArgsUsage: "[N]",
		Description: `Lists the artifacts of pipeline N, or of the latest: what store_artifacts kept.

   popsicle artifacts 12 --job build
   popsicle artifacts --get coverage/index.html > index.html
   popsicle artifacts --get coverage/index.html -o /tmp
   popsicle artifacts -o /tmp/all     every file, below a folder for its job`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "job", Usage: "only of the job `NAME`"},
			&cli.StringFlag{Name: "get", Usage: "print the artifact at `PATH`, or write it into the folder of -o"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write artifacts into the folder `DIR`"},
			&cli.BoolFlag{Name: "force", Usage: "overwrite files that are there"},
			&cli.BoolFlag{Name: "json", Usage: "as a JSON array"},
			serverFlag(),
			colorFlag(),
		},
		Suggest:      true,
		OnUsageError: usageError,
		Action:       artifactsAction,
	}
}

func artifactsAction(ctx context.Context, c *cli.Command) error {
	history, p, err := openOne(ctx, c)
	if err != nil {
		return err
	}
	defer history.Close()
	found, err := artifactsOf(ctx, history, p, c.String("job"), c.String("get"))
	if err != nil {
		return err
	}
	from := contentOf(ctx, history)
	defer from.close()
	to := fetch{from: from, dir: c.String("output"), force: c.Bool("force"), flat: c.IsSet("job")}
	switch {
	case c.IsSet("output"):
		if c.IsSet("get") {
			to.flat = true
		}
		return to.all(stdout(c), found)
	case c.IsSet("get"):
		return to.print(stdout(c), found)
	case c.Bool("json"):
		return writeJSON(stdout(c), artifactsJSON(found))
	case len(found) == 0:
		_, err := fmt.Fprintf(stdout(c), "pipeline #%d stored no artifacts: the step store_artifacts does\n", p.ID)
		return err
	}
	rows := make([]term.ArtifactRow, len(found))
	for i, a := range found {
		rows[i] = term.ArtifactRow{Job: a.Job, Node: a.Node, Path: a.Path, Size: a.Size}
	}
	return term.Artifacts(stdout(c), rows, newTheme(c, os.Stdout))
}

// artifactsOf returns the artifacts of a pipeline, of one job and at one path
// where those are not empty.
func artifactsOf(ctx context.Context, history archive, p db.Pipeline, job, at string) ([]db.Artifact, error) {
	if err := hasJob(ctx, history, p, job); err != nil {
		return nil, err
	}
	var found []db.Artifact
	for a, err := range history.Artifacts(ctx, p.ID) {
		if err != nil {
			return nil, err
		}
		if isJob(job, a.Workflow, a.Job) && (at == "" || at == a.Path) {
			found = append(found, a)
		}
	}
	if at != "" && len(found) == 0 {
		return nil, usage("pipeline #%d has no artifact %q: popsicle artifacts %d lists them", p.ID, at, p.ID)
	}
	return found, nil
}

// isJob says whether what the user called a job is this one.
func isJob(asked, workflow, job string) bool {
	return asked == "" || asked == job || asked == workflow+"/"+job
}

// hasJob is the error of asking for a job that a pipeline does not have.
func hasJob(ctx context.Context, history archive, p db.Pipeline, asked string) error {
	if asked == "" {
		return nil
	}
	jobs, err := history.Jobs(ctx, p.ID)
	if err != nil || slices.ContainsFunc(jobs, func(j db.Job) bool { return isJob(asked, j.Workflow, j.Name) }) {
		return err
	}
	return usage("pipeline #%d has no job %q: popsicle show %d lists them", p.ID, asked, p.ID)
}

type jsonArtifact struct {
	Workflow string `json:"workflow"`
	Job      string `json:"job"`
	Node     int    `json:"node"`
	Path     string `json:"path"`
	Size     int64  `json:"size"`
}

func artifactsJSON(found []db.Artifact) []jsonArtifact {
	out := make([]jsonArtifact, len(found))
	for i, a := range found {
		out[i] = jsonArtifact{a.Workflow, a.Job, a.Node, a.Path, a.Size}
	}
	return out
}

// A fetch copies artifacts to where they are wanted.
type fetch struct {
	from  content
	dir   string
	force bool
	flat  bool // no folder for each job
}

// print prints the only artifact.
func (f fetch) print(w io.Writer, found []db.Artifact) error {
	if len(found) > 1 {
		return usage("%d jobs or nodes have an artifact %q: choose one with --job, or fetch all with -o DIR", len(found), found[0].Path)
	}
	return f.from.copy(w, found[0])
}

// all writes artifacts below the folder, in the order in which they lie in the
// stash. Nothing is written outside of it, whatever paths and links say.
func (f fetch) all(told io.Writer, found []db.Artifact) error {
	if err := os.MkdirAll(f.dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	nodes := several(found)
	slices.SortStableFunc(found, func(a, b db.Artifact) int {
		return cmp.Or(cmp.Compare(a.Blob, b.Blob), cmp.Compare(a.Offset, b.Offset))
	})
	sum := int64(0)
	for _, a := range found {
		if err := f.write(root, f.place(a, nodes), a); err != nil {
			return err
		}
		sum += a.Size
	}
	_, err = fmt.Fprintf(told, "%d artifacts, %s: %s\n", len(found), humanize.Bytes(uint64(sum)), f.dir)
	return err
}

// several tells which jobs have artifacts of more than one node.
func several(found []db.Artifact) map[string]bool {
	more := map[string]bool{}
	for _, a := range found {
		if a.Node > 0 {
			more[a.Workflow+"/"+a.Job] = true
		}
	}
	return more
}

// place is where an artifact goes, relative to the folder.
func (f fetch) place(a db.Artifact, nodes map[string]bool) string {
	name := path.Clean("/" + a.Path)[1:]
	if nodes[a.Workflow+"/"+a.Job] {
		name = path.Join(strconv.Itoa(a.Node), name)
	}
	if !f.flat {
		name = path.Join(path.Clean("/" + a.Job)[1:], name)
	}
	return filepath.FromSlash(name)
}

// write writes one artifact. A file that is there stays, unless force says
// otherwise.
func (f fetch) write(root *os.Root, name string, a db.Artifact) error {
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if f.force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	file, err := root.OpenFile(name, flags, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return usage("%s is there already: --force overwrites, or choose another -o DIR", filepath.Join(f.dir, name))
	}
	if err != nil {
		return err
	}
	return errors.Join(f.from.copy(file, a), file.Close())
}
