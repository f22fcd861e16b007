package commands

import (
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/server"
)

// pages yields the items of a list of the API, a page after the other.
func pages[T any](ctx context.Context, r *remote, path string, query url.Values) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			var page server.List[T]
			if err := r.get(ctx, path+"?"+query.Encode(), &page); err != nil {
				yield(*new(T), err)
				return
			}
			for _, one := range page.Items {
				if !yield(one, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			query.Set("cursor", page.Next)
		}
	}
}

// Artifacts yields the artifacts of a pipeline. An error ends them.
func (r *remote) Artifacts(ctx context.Context, pipeline int64) iter.Seq2[db.Artifact, error] {
	return func(yield func(db.Artifact, error) bool) {
		for a, err := range pages[server.Artifact](ctx, r, fmt.Sprintf("/pipelines/%d/artifacts", pipeline), url.Values{}) {
			if !yield(db.Artifact{JobID: a.Job, Workflow: a.Workflow, Job: a.Name, Node: a.Node, Path: a.Path, Size: a.Size}, err) {
				return
			}
		}
	}
}

// Tests yields the tests of a pipeline; failed, only those that failed. An
// error ends them.
func (r *remote) Tests(ctx context.Context, pipeline int64, failed bool) iter.Seq2[db.Test, error] {
	query := url.Values{"failed": {fmt.Sprint(failed)}}
	return func(yield func(db.Test, error) bool) {
		for t, err := range pages[server.Test](ctx, r, fmt.Sprintf("/pipelines/%d/tests", pipeline), query) {
			if !yield(fromTest(t), err) {
				return
			}
		}
	}
}

func fromTest(t server.Test) db.Test {
	return db.Test{JobID: t.Job, Workflow: t.Workflow, Job: t.JobName, Node: t.Node, Test: event.Test{
		Suite: t.Suite, Class: t.Class, Name: t.Name, File: t.File, Result: event.TestResult(t.Result), Seconds: t.Seconds, Message: t.Message,
	}}
}

// TestCounts returns how many tests of a pipeline ended in which way.
func (r *remote) TestCounts(ctx context.Context, pipeline int64) (map[event.TestResult]int, error) {
	var page server.Tests
	err := r.get(ctx, fmt.Sprintf("/pipelines/%d/tests?limit=1", pipeline), &page)
	counts := map[event.TestResult]int{}
	for result, n := range page.Counts {
		counts[event.TestResult(result)] = n
	}
	return counts, err
}

// A remoteContent has the bytes of the artifacts of a daemon.
type remoteContent struct {
	ctx context.Context // of the command: an io.Writer cannot be given one
	*remote
}

func (r *remoteContent) close() {}

// copy writes the bytes of an artifact.
func (r *remoteContent) copy(w io.Writer, a db.Artifact) error {
	parts := strings.Split(a.Path, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	got, err := r.do(r.ctx, http.MethodGet, fmt.Sprintf("/jobs/%d/artifacts/%s", a.JobID, strings.Join(parts, "/")), nil)
	if err != nil {
		return err
	}
	defer got.Body.Close()
	n, err := io.Copy(w, got.Body)
	if err == nil && n != a.Size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return fmt.Errorf("%s: artifact %s of %s, after %d of %d bytes: %w", r.base, a.Path, a.Job, n, a.Size, err)
	}
	return nil
}

// approveRemote answers what a pipeline of a daemon waits for.
func approveRemote(ctx context.Context, c *cli.Command) error {
	r, err := openRemote(c.String("server"))
	if err != nil {
		return err
	}
	defer r.Close()
	p, err := pick(ctx, r, c.Args().First())
	if err != nil {
		return err
	}
	jobs, err := r.Jobs(ctx, p.ID)
	if err != nil {
		return err
	}
	if p.Status == event.OnHold && len(jobs) == 0 && c.Args().Len() == 1 && !c.Bool("reject") {
		if err := r.send(ctx, http.MethodPost, fmt.Sprintf("/pipelines/%d/approve", p.ID), struct{}{}, &server.Accepted{}); err != nil {
			return err
		}
		_, err = fmt.Fprintf(stdout(c), "#%d is approved: %s of %s runs next\n", p.ID, p.Commit[:min(12, len(p.Commit))], p.Repo)
		return err
	}
	j, err := approval(ctx, r, p, c.Args().Get(1))
	if err != nil {
		return err
	}
	said, verb := !c.Bool("reject"), "approved"
	if !said {
		verb = "rejected"
	}
	var counts server.Decision
	if err := r.send(ctx, http.MethodPost, fmt.Sprintf("/jobs/%d/approve", j.ID), server.Answer{Approve: &said}, &counts); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout(c), "#%d/%s %s by %s\n", p.ID, j.Name, verb, counts.By)
	return err
}
