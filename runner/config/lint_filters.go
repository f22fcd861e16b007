package config

import (
	"fmt"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// workflows looks for jobs that their filters keep from ever running.
func (l *linter) workflows() {
	for _, w := range pairs(l.file.root.Get("workflows")) {
		jobs := map[string]*tree.Node{}
		for _, item := range items(w.Value.Get("jobs")) {
			if item.Kind == tree.Map {
				jobs[item.Pairs[0].Key.Text] = item
			} else {
				jobs[item.Text] = item
			}
		}
		for _, item := range items(w.Value.Get("jobs")) {
			if item.Kind == tree.Map {
				l.filters(item.Pairs[0].Key, item.Pairs[0].Value, jobs)
			}
		}
	}
}

// filters looks at one job: whether it can run at all, and whether what it
// requires runs on the tags that it wants to run on.
func (l *linter) filters(key, args *tree.Node, jobs map[string]*tree.Node) {
	filters := args.Get("filters")
	tags := filters.Get("tags")
	if ignored := texts(filters.Get("branches").Get("ignore")); len(ignored) == 1 && ignored[0] == "/.*/" && tags == nil {
		l.warn(key, "unreachable-job", fmt.Sprintf("the job %q can never run: no branch passes its filters, and without a filter for tags no tag does", key.Text), "add filters.tags.only")
	}
	if !tags.Is(tree.Map) {
		return
	}
	for _, r := range items(args.Get("requires")) {
		if r.Kind == tree.Map {
			r = r.Pairs[0].Key
		}
		required := jobs[r.Text]
		if required == nil {
			continue
		}
		var other *tree.Node
		if required.Kind == tree.Map {
			other = required.Pairs[0].Value.Get("filters")
		}
		if !other.Is(tree.Bool) && other.Get("tags") == nil {
			l.warn(key, "tag-filter", fmt.Sprintf("the job %q runs on tags, but requires %q, which never does", key.Text, r.Text),
				"give the required job a filter for tags as well; without one this requirement is dropped on tags, and a job that loses all of them does not run")
		}
	}
}
