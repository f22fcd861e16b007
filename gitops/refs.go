package gitops

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// A refList is the refs of a job's repository.
type refList struct {
	refs []ref  // by name
	head string // what refs/remotes/origin/HEAD leads to
}

// A ref is a name for an object, and where that is a tag object, for what it
// is put on.
type ref struct{ name, object, peeled string }

// refs are the branches, the tags and the chosen remote's branches of the
// user's repository, the remote now called origin; and the branch or tag that
// is tested, at the tested commit.
func (t *Tree) refs(ctx context.Context, o GitOptions) (*refList, error) {
	listed, err := t.ReadRefs(ctx)
	if err != nil {
		return nil, err
	}
	l, err := parseRefs(listed, t.tracking(), t.snapshot.repo.format)
	if err != nil || t.Commit == "" {
		return l, err
	}
	if o.Branch != "" {
		l.set("refs/heads/"+o.Branch, t.Commit)
	}
	if o.Tag != "" && !l.leadsTo("refs/tags/"+o.Tag, t.Commit) {
		l.set("refs/tags/"+o.Tag, t.Commit)
	}
	return l, nil
}

// ReadRefs reads the refs of the user's repository, once: ahead of those who
// write them.
func (t *Tree) ReadRefs(ctx context.Context) (string, error) {
	t.listing.Lock()
	defer t.listing.Unlock()
	if t.listed != nil {
		return *t.listed, nil
	}
	patterns := []string{"refs/heads/", "refs/tags/"}
	if t.snapshot.origin.name != "" {
		patterns = append(patterns, t.tracking())
	}
	args := append([]string{"for-each-ref", "--format=%(refname) %(objectname) %(*objectname) %(symref)", "--"}, patterns...)
	out, err := git(t.snapshot.repo.Root, args...).output(ctx)
	if err != nil {
		return "", err // the next asks again: this one may have been cancelled
	}
	listed := string(out)
	t.listed = &listed
	return listed, nil
}

// tracking is where the branches of the chosen remote stand.
func (t *Tree) tracking() string { return "refs/remotes/" + t.snapshot.origin.name + "/" }

// parseRefs reads lines of "name object peeled target", of which the last two
// may be empty. Names below tracking become origin's.
func parseRefs(out, tracking string, f format) (*refList, error) {
	l := &refList{}
	for line := range strings.Lines(out) {
		part := strings.Split(strings.TrimSuffix(line, "\n"), " ")
		if len(part) != 4 || !f.isName(part[1]) || part[2] != "" && !f.isName(part[2]) {
			return nil, fmt.Errorf("git for-each-ref: cannot read %q", line)
		}
		name, symbolic := originName(part[0], tracking), part[3]
		switch {
		case symbolic == "":
			l.refs = append(l.refs, ref{name: name, object: part[1], peeled: part[2]})
		case name == "refs/remotes/origin/HEAD":
			l.head = originName(symbolic, tracking)
		}
	}
	l.sort()
	return l, nil
}

func originName(name, tracking string) string {
	if branch, ok := strings.CutPrefix(name, tracking); ok {
		return "refs/remotes/origin/" + branch
	}
	return name
}

func (l *refList) sort() {
	slices.SortFunc(l.refs, func(a, b ref) int { return strings.Compare(a.name, b.name) })
}

// leadsTo tells whether the ref is on that commit.
func (l *refList) leadsTo(name, commit string) bool {
	return slices.ContainsFunc(l.refs, func(r ref) bool {
		return r.name == name && (r.object == commit || r.peeled == commit)
	})
}

// set puts a ref on a commit. A ref that stands in its way, as "a" in that of
// "a/b", gives way.
func (l *refList) set(name, commit string) {
	l.refs = slices.DeleteFunc(l.refs, func(r ref) bool { return isUnder(r.name, name) || isUnder(name, r.name) })
	l.refs = append(l.refs, ref{name: name, object: commit})
	l.sort()
}

// packed is the refs in the form of a packed-refs file.
func (l *refList) packed() string {
	var b strings.Builder
	b.WriteString("# pack-refs with: peeled fully-peeled sorted \n")
	for _, r := range l.refs {
		fmt.Fprintf(&b, "%s %s\n", r.object, r.name)
		if r.peeled != "" {
			fmt.Fprintf(&b, "^%s\n", r.peeled)
		}
	}
	return b.String()
}

// originHead is the content of refs/remotes/origin/HEAD.
func (l *refList) originHead() string {
	if l.head == "" {
		return ""
	}
	return "ref: " + l.head + "\n"
}

// tips are the objects the refs are on, each once.
func (l *refList) tips() []string {
	var tips []string
	for _, r := range l.refs {
		tips = append(tips, r.object)
	}
	slices.Sort(tips)
	return slices.Compact(tips)
}
