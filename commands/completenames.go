package commands

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/popsicle-ci/popsicle/commands/vault"
	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/gitops"
	"github.com/popsicle-ci/popsicle/runner/event"
)

// How many pipelines a shell is told of.
const recentPipelines = 30

func asWords[S ~string](all []S) (texts []string) {
	for _, s := range all {
		texts = append(texts, string(s))
	}
	return texts
}

func words(all ...string) lister {
	return func(*question) (found []candidate) {
		for _, w := range all {
			found = append(found, candidate{w, ""})
		}
		return found
	}
}

// read asks the history. A daemon elsewhere (--server) is not asked: that
// takes longer than a key may.
func (q *question) read(list func(context.Context, *db.DB) []candidate) []candidate {
	if q.set["server"] != nil {
		return nil
	}
	history, err := openHistory(q.ctx)
	if err != nil {
		return nil
	}
	defer history.Close()
	return list(q.ctx, history)
}

// fromHistory lists the rows of one table.
func fromHistory[T any](rows func(*db.DB, context.Context) ([]T, error), tell func(T) candidate) lister {
	return func(q *question) []candidate {
		return q.read(func(ctx context.Context, history *db.DB) (found []candidate) {
			all, _ := rows(history, ctx) // a lister leaves out what it cannot read
			for _, row := range all {
				if c := tell(row); c.word != "" && !slices.ContainsFunc(found, c.sameWord) {
					found = append(found, c)
				}
			}
			return found
		})
	}
}

var (
	runnerNames  = fromHistory((*db.DB).Runners, func(r db.Runner) candidate { return candidate{r.Name, r.Host} })
	repositories = fromHistory((*db.DB).Repos, func(r db.Repo) candidate { return candidate{r.Name, r.URL} })
	tokenNames   = fromHistory((*db.DB).Tokens, func(t db.Token) candidate { return candidate{t.Name, string(t.Scope)} })

	cacheKeys = fromHistory(func(history *db.DB, ctx context.Context) ([]db.Cache, error) { return cachesHere(ctx, history, false) },
		func(c db.Cache) candidate { return candidate{c.Key, ""} })

	// keptPipelines are those with a job whose container popsicle shell opens.
	keptPipelines = fromHistory((*db.DB).AllKept, func(k db.Kept) candidate {
		return candidate{strconv.FormatInt(k.Pipeline, 10), k.Job + " failed"}
	})
)

// recent lists the newest pipelines of this checkout; elsewhere, of all.
func recent(ctx context.Context, history *db.DB) []db.Pipeline {
	found, _ := history.Pipelines(ctx, db.PipelineFilter{Root: gitops.Top("."), Limit: recentPipelines}) // a lister leaves out what it cannot read
	return found
}

func pipelines(q *question) []candidate {
	return q.read(func(ctx context.Context, history *db.DB) []candidate { return numbers(recent(ctx, history)) })
}

// unfinished lists the pipelines that can be canceled or approved.
func unfinished(q *question) []candidate {
	return q.read(func(ctx context.Context, history *db.DB) []candidate {
		return numbers(slices.DeleteFunc(recent(ctx, history), func(p db.Pipeline) bool {
			return p.Status != event.Queued && p.Status != event.Running && p.Status != event.OnHold
		}))
	})
}

func numbers(all []db.Pipeline) (found []candidate) {
	for _, p := range all {
		commit := p.Commit[:min(7, len(p.Commit))]
		found = append(found, candidate{strconv.FormatInt(p.ID, 10), fmt.Sprintf("%s %s%s %s %s", p.Status, p.Branch, p.Tag, commit, p.Subject)})
	}
	return found
}

func branches(q *question) []candidate {
	return q.read(func(ctx context.Context, history *db.DB) (found []candidate) {
		for _, p := range recent(ctx, history) {
			if c := (candidate{p.Branch, ""}); p.Branch != "" && !slices.Contains(found, c) {
				found = append(found, c)
			}
		}
		return found
	})
}

// jobsOfPipeline lists the jobs of the pipeline that is named before the
// cursor, or of the latest.
func jobsOfPipeline(q *question) []candidate {
	return q.read(func(ctx context.Context, history *db.DB) []candidate {
		return jobs(ctx, history, q.args, func(db.Job) bool { return true })
	})
}

func waitingJobs(q *question) []candidate {
	return q.read(func(ctx context.Context, history *db.DB) []candidate {
		return jobs(ctx, history, q.args, func(j db.Job) bool { return j.Status == event.OnHold })
	})
}

func jobs(ctx context.Context, history *db.DB, args []string, wanted func(db.Job) bool) (found []candidate) {
	p, err := pick(ctx, history, strings.Join(args[:min(1, len(args))], ""))
	if err != nil {
		return nil
	}
	all, _ := history.Jobs(ctx, p.ID) // a lister leaves out what it cannot read
	for _, j := range all {
		c := candidate{j.Name, fmt.Sprintf("%s in #%d", j.Status, p.ID)}
		if wanted(j) && !slices.ContainsFunc(found, c.sameWord) {
			found = append(found, c)
		}
	}
	return found
}

func (c candidate) sameWord(o candidate) bool { return c.word == o.word }

func keptJobs(q *question) []candidate {
	return q.read(func(ctx context.Context, history *db.DB) (found []candidate) {
		all, _ := history.AllKept(ctx) // a lister leaves out what it cannot read
		for _, k := range all {
			if strconv.FormatInt(k.Pipeline, 10) == q.args[0] {
				found = append(found, candidate{k.Job, "failed"})
			}
		}
		return found
	})
}

func contexts(*question) (found []candidate) {
	v, err := openVault()
	if err != nil {
		return nil
	}
	names, keys, _ := v.Shelves(vault.Context) // a lister leaves out what it cannot read
	for _, n := range names {
		found = append(found, candidate{n, strings.Join(keys[n], " ")})
	}
	return found
}

func contextKeys(q *question) []candidate { return shelfKeys(q, vault.Context, q.args[0]) }

func projectKeys(q *question) []candidate {
	project, err := projectHere(q.ctx)
	if err != nil {
		return nil
	}
	return shelfKeys(q, vault.Project, project)
}

func shelfKeys(q *question, kind vault.Kind, shelf string) []candidate {
	v, err := openVault()
	if err != nil {
		return nil
	}
	_, keys, _ := v.Shelves(kind) // a lister leaves out what it cannot read
	return words(keys[shelf]...)(q)
}

func remotes(*question) (found []candidate) {
	all, _ := readRemotes() // a lister leaves out what it cannot read
	for name, r := range all {
		found = append(found, candidate{name, r.URL})
	}
	slices.SortFunc(found, func(a, b candidate) int { return strings.Compare(a.word, b.word) })
	return found
}
