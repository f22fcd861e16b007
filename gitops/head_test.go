package gitops

import (
	"testing"
	"time"
)

func TestHead(t *testing.T) {
	c := newCheckout(t)
	if h := c.snapshot(Source{}).Head(); h != (Head{Branch: "main", DefaultBranch: "main"}) {
		t.Errorf("before the first commit: %+v", h)
	}
	c.write(map[string]string{"a": "1"})
	one := c.commit("subject of one\n\nbody\nof one")
	h := c.snapshot(Source{}).Head()
	want := Head{Commit: one, Branch: "main", Subject: "subject of one", Body: "body\nof one", DefaultBranch: "main", Author: "Ada", Email: "ada@example.invalid",
		Time: time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC), tree: c.git("rev-parse", "HEAD^{tree}")}
	h.Time = h.Time.UTC()
	if h != want {
		t.Errorf("got  %+v\nwant %+v", h, want)
	}
}

func TestBranchAndTag(t *testing.T) {
	c := newCheckout(t)
	c.commit("one")
	c.git("tag", "v1.9")
	c.git("tag", "-a", "v1.10", "-m", "annotated")
	c.commit("two")
	c.git("branch", "user@team/topic")
	c.git("update-ref", "refs/remotes/origin/topic", "HEAD")
	two := c.git("rev-parse", "HEAD")
	for _, test := range []struct {
		checkout, rev string // rev: "" for the working tree
		branch, tag   string
	}{
		{"main", "", "main", ""},
		{"user@team/topic", "", "user@team/topic", ""},
		{"v1.10", "", "", "v1.10"},
		{"HEAD~0", "", "", ""},
		{"main", "HEAD", "main", ""},
		{"main", "@", "main", ""},
		{"main", "HEAD~1", "main", ""},
		{"main", "user@team/topic^", "user@team/topic", ""},
		{"main", "main@{0}", "main", ""},
		{"main", "origin/topic", "topic", ""},
		{"main", "v1.9", "", "v1.9"},
		{"main", "refs/tags/v1.10", "", "v1.10"},
		{"main", two, "", ""},
		{"main", two[:8], "", ""},
		{"main", ":/two", "", ""},
	} {
		c.git("checkout", "-q", test.checkout)
		if test.checkout == "HEAD~0" {
			c.git("checkout", "-q", two)
		}
		src := Source{}
		if test.rev != "" {
			src = Source{Kind: Commit, Rev: test.rev}
		}
		if h := c.snapshot(src).Head(); h.Branch != test.branch || h.Tag != test.tag {
			t.Errorf("%s, rev %q: branch %q, tag %q", test.checkout, test.rev, h.Branch, h.Tag)
		}
	}
}

func TestRevsThatAreNoCommits(t *testing.T) {
	c := newCheckout(t)
	c.write(map[string]string{"a": "1"})
	c.commit("one")
	for _, rev := range []string{"", "nothing", "--all", "-h", "HEAD:a", "HEAD^{tree}", "main..main", "HEAD~9", "main\nmain"} {
		if _, err := c.open().Snapshot(t.Context(), Source{Kind: Commit, Rev: rev}); err == nil {
			t.Errorf("%q is taken for a commit", rev)
		}
	}
}

func TestOriginOfASnapshot(t *testing.T) {
	c := withOrigin(t)
	h := c.snapshot(Source{}).Head()
	if h.DefaultBranch != "main" || h.Host != "" {
		t.Errorf("%+v", h)
	}
	c.git("remote", "set-url", "origin", "gh:ada/app")
	c.git("config", "url.https://tok:x@github.com/.insteadOf", "gh:")
	c.git("config", "url.https://wrong/.insteadOf", "g")
	h = c.snapshot(Source{}).Head()
	if h.RemoteURL != "https://github.com/ada/app" || h.Host != "github.com" || h.Slug != "ada/app" {
		t.Errorf("%+v", h)
	}
}

func TestChosenRemote(t *testing.T) {
	c := parseConfig([]byte("remote.fork.url\ngit@h:fork/r\x00remote.company.url\ngit@h:company/r\x00branch.topic.remote\nfork\x00core.bare\x00"))
	for branch, want := range map[string]string{"main": "company", "topic": "fork"} {
		if got := c.remote(branch).name; got != want {
			t.Errorf("%s: remote %q, want %q", branch, got, want)
		}
	}
	if c.get("core.bare") != "true" || c.get("no.such") != "" {
		t.Error(c)
	}
	c["remote.origin.url"] = []string{"x"}
	if got := c.remote("topic").name; got != "origin" {
		t.Errorf("remote %q", got)
	}
}

func TestParseRemote(t *testing.T) {
	for _, test := range []struct{ address, url, host, slug string }{
		{"https://github.com/o/r.git", "https://github.com/o/r.git", "github.com", "o/r"},
		{"https://user:pass@github.com/o/r", "https://github.com/o/r", "github.com", "o/r"},
		{"https://ghp_token@github.com/o/r?access_token=x#y", "https://github.com/o/r", "github.com", "o/r"},
		{"ssh://git:pw@example.com:2222/group/sub/r.git/", "ssh://git@example.com:2222/group/sub/r.git/", "example.com", "sub/r"},
		{"git@github.com:o/r.git", "git@github.com:o/r.git", "github.com", "o/r"},
		{"host:r", "host:r", "host", ""},
		{"/srv/git/r.git", "/srv/git/r.git", "", ""},
		{"../r", "../r", "", ""},
		{"file:///srv/git/r", "file:///srv/git/r", "", "git/r"},
		{"https://bad host:pass@%%/", "", "", ""},
		{"", "", "", ""},
	} {
		got := parseRemote("origin", test.address)
		if want := (remote{"origin", test.url, test.host, test.slug}); got != want {
			t.Errorf("%s: %+v, want %+v", test.address, got, want)
		}
	}
}

func TestIsFalse(t *testing.T) {
	c := parseConfig([]byte("a\nfalse\x00b\nNo\x00c\n0\x00d\n\x00e\ntrue\x00f\x00g\nfalse\x00g\ntrue\x00"))
	for key, want := range map[string]bool{"a": true, "b": true, "c": true, "d": true, "e": false, "f": false, "g": false, "none": false} {
		if c.isFalse(key) != want {
			t.Errorf("%s: %t", key, !want)
		}
	}
}

// Without a word of the remote, main and master are taken for the default
// when they are checked out.
func TestDefaultBranchGuessed(t *testing.T) {
	c := newCheckout(t)
	c.commit("one")
	for branch, want := range map[string]string{"main": "main", "master": "master", "topic": ""} {
		c.git("checkout", "-q", "-B", branch)
		if got := c.snapshot(Source{}).Head().DefaultBranch; got != want {
			t.Errorf("%s: default %q", branch, got)
		}
	}
}
