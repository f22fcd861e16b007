package commands

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/gitops"
	"github.com/popsicle-ci/popsicle/runner/config"
)

// configs parses the files that popsicle run would compile.
func (q *question) configs() (parsed []*config.File) {
	files := q.set["config"]
	if top := gitops.Top("."); len(files) == 0 {
		files, _ = filepath.Glob(filepath.Join(top, ".popsicle", "*.y*ml")) // the pattern is well formed
		if len(files) == 0 {
			files = []string{filepath.Join(top, ".circleci", "config.yml")}
		}
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		if f, err := config.Parse(name, text); err == nil {
			parsed = append(parsed, f)
		}
	}
	return parsed
}

func workflows(q *question) (found []candidate) {
	for _, f := range q.configs() {
		found = append(found, words(f.Names().Workflows...)(q)...)
	}
	return found
}

// runnableJobs lists those of the config that are not named yet, and those
// that the latest run made of it: the jobs of a matrix, and of orbs.
func runnableJobs(q *question) (found []candidate) {
	for _, f := range q.configs() {
		found = append(found, words(f.Names().Jobs...)(q)...)
	}
	made := q.read(func(ctx context.Context, history *db.DB) []candidate {
		return jobs(ctx, history, nil, func(j db.Job) bool { return j.Kind != "approval" })
	})
	for _, c := range made {
		if !slices.ContainsFunc(found, c.sameWord) {
			found = append(found, c)
		}
	}
	return slices.DeleteFunc(found, func(c candidate) bool { return slices.Contains(q.args, c.word) })
}

func approvals(q *question) (found []candidate) {
	for _, f := range q.configs() {
		found = append(found, words(f.Names().Approvals...)(q)...)
	}
	return append(found, candidate{"all", "every approval job"})
}
