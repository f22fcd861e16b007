package server

import (
	"encoding/json"
	"maps"
	"net/url"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/db"
)

// A variant is a payload that differs in something from a usual one.
type variant map[string]any

// with returns a copy of o in which path has a value; nil takes it out.
func (o variant) with(path string, value any) variant {
	name, rest, deeper := strings.Cut(path, ".")
	c := variant{}
	maps.Copy(c, o)
	switch inner, _ := o[name].(variant); {
	case deeper:
		c[name] = inner.with(rest, value)
	case value == nil:
		delete(c, name)
	default:
		c[name] = value
	}
	return c
}

// null is a value that is there, and is JSON's null.
var null = json.RawMessage("null")

var usualPush = variant{
	"ref": "refs/heads/topic", "before": zeros, "after": some, "created": true, "deleted": false, "forced": false, "base_ref": null,
	"head_commit": variant{"id": some, "message": "hello", "author": variant{"name": "Ann"}}, "commits": []any{},
	"repository": variant{"id": 1, "full_name": "acme/app", "default_branch": "main", "pushed_at": 1700000000}, "sender": variant{"login": "ann"},
}

var usualPull = variant{
	"action": "synchronize", "number": 7,
	"pull_request": variant{
		"number": 7, "title": "T", "draft": false, "user": variant{"login": "bob"},
		"head": variant{"ref": "topic", "sha": other, "repo": variant{"id": 1, "full_name": "acme/app"}},
		"base": variant{"ref": "main", "sha": some, "repo": variant{"id": 1, "full_name": "acme/app"}},
	},
	"repository": variant{"id": 1, "full_name": "acme/app", "default_branch": "main"}, "sender": variant{"login": "bob"},
}

// A sent is a delivery, and what is to come of it.
type sent struct {
	name, event string
	body        variant
	status      int
	outcome     db.Outcome
	reason      string // a part of it
}

// check posts it to servers by the form of their bodies.
func (c sent) check(t *testing.T, servers map[string]*Server) {
	body, err := json.Marshal(c.body.with("case", c.name))
	if err != nil {
		t.Fatal(err)
	}
	for kind, text := range map[string]string{"application/json": string(body), formType: "payload=" + url.QueryEscape(string(body))} {
		status, a, answer := post(t, servers[kind], delivery(c.event, text, set("Content-Type", kind)))
		if status != c.status || a.Outcome != c.outcome || !strings.Contains(answer, c.reason) || len(answer) > 1000 {
			t.Errorf("%s: %d %.1000s", kind, status, answer)
		}
	}
}

// TestVariants sends what forges send besides the usual: all is answered for
// the right reason, and nothing is our failure.
func TestVariants(t *testing.T) {
	huge := strings.Repeat("x", 1<<20)
	push, pull := usualPush.with, usualPull.with
	servers := map[string]*Server{"application/json": newHooks(t), formType: newHooks(t)}
	for _, c := range []sent{
		{"no head commit", "push", push("head_commit", nil), 202, db.OutcomeQueued, ""},
		{"head_commit null", "push", push("head_commit", null), 202, db.OutcomeQueued, ""},
		{"no sender", "push", push("sender", nil), 202, db.OutcomeQueued, ""},
		{"sender null", "push", push("sender", null), 202, db.OutcomeQueued, ""},
		{"no commits", "push", push("commits", null), 202, db.OutcomeQueued, ""},
		{"default_branch null", "push", push("repository.default_branch", null), 202, db.OutcomeQueued, ""},
		{"times as texts", "push", push("repository.pushed_at", "2026-01-01T00:00:00Z"), 202, db.OutcomeQueued, ""},
		{"an organization and an installation", "push", push("organization", variant{"login": "acme"}).with("installation", variant{"id": 1}), 202, db.OutcomeQueued, ""},
		{"a huge message", "push", push("head_commit.message", huge), 202, db.OutcomeQueued, ""},
		{"a commit in SHA-256", "push", push("after", some+some[:24]), 202, db.OutcomeQueued, ""},
		{"unicode in the branch", "push", push("ref", "refs/heads/été/日本-🙂"), 202, db.OutcomeQueued, ""},
		{"# and % in the branch", "push", push("ref", "refs/heads/fix#12%20b&c"), 202, db.OutcomeQueued, ""},
		{"a branch like an option", "push", push("ref", "refs/heads/-x"), 202, db.OutcomeQueued, ""},
		{"a branch like a tag", "push", push("ref", "refs/heads/refs/tags/v1"), 202, db.OutcomeQueued, ""},
		{"a merge queue's branch", "push", push("ref", "refs/heads/gh-readonly-queue/main/pr-7-"+some), 202, db.OutcomeQueued, ""},
		{"a space in the branch", "push", push("ref", "refs/heads/a b"), 200, db.OutcomeIgnored, "no branch and no tag"},
		{"a NUL in the branch", "push", push("ref", "refs/heads/a\x00b"), 200, db.OutcomeIgnored, "no branch and no tag"},
		{"an empty branch", "push", push("ref", "refs/heads/"), 200, db.OutcomeIgnored, "no branch and no tag"},
		{"no ref", "push", push("ref", nil), 200, db.OutcomeIgnored, "no branch and no tag"},
		{"ref null", "push", push("ref", null), 200, db.OutcomeIgnored, "no branch and no tag"},
		{"a branch without refs/heads/", "push", push("ref", "main"), 200, db.OutcomeIgnored, "no branch and no tag"},
		{"a pull request's ref", "push", push("ref", "refs/pull/7/head"), 200, db.OutcomeIgnored, "no branch and no tag"},
		{"a very long branch", "push", push("ref", "refs/heads/"+huge), 200, db.OutcomeIgnored, "no branch and no tag"},
		{"no after", "push", push("after", nil), 200, db.OutcomeIgnored, "no name of a commit"},
		{"after null", "push", push("after", null), 200, db.OutcomeIgnored, "no name of a commit"},
		{"a short commit", "push", push("after", some[:7]), 200, db.OutcomeIgnored, "no name of a commit"},
		{"an upper case commit", "push", push("after", strings.Repeat("A", 40)), 200, db.OutcomeIgnored, "no name of a commit"},
		{"deleted in SHA-256", "push", push("after", zeros+zeros[:24]), 200, db.OutcomeIgnored, "was deleted"},
		{"after is a number", "push", push("after", 5), 400, "", "after"},
		{"the repository is renamed", "push", push("repository.full_name", "acme/new"), 403, "", "popsicle daemon repo add acme/new"},
		{"escapes in the repository's name", "push", push("repository.full_name", "a\x1b[2J/\x00b"), 403, "", "not on the list"},
		{"a huge name of a repository", "push", push("repository.full_name", huge), 403, "", "not on the list"},
		{"repository null", "push", push("repository", null), 200, db.OutcomeIgnored, "no repository"},
		{"no name of a repository", "push", push("repository.full_name", nil), 200, db.OutcomeIgnored, "no repository"},

		{"a pull request", "pull_request", usualPull, 202, db.OutcomeQueued, ""},
		{"a draft", "pull_request", pull("pull_request.draft", true).with("action", "opened"), 202, db.OutcomeQueued, ""},
		{"a title null", "pull_request", pull("pull_request.title", null), 202, db.OutcomeQueued, ""},
		{"a user null", "pull_request", pull("pull_request.user", null), 202, db.OutcomeQueued, ""},
		{"the fork is gone", "pull_request", pull("pull_request.head.repo", null), 202, db.OutcomeOnHold, ""},
		{"no head repository", "pull_request", pull("pull_request.head.repo", nil), 202, db.OutcomeOnHold, ""},
		{"no id of the head repository", "pull_request", pull("pull_request.head.repo.id", nil).with("pull_request.base.repo.id", nil), 202, db.OutcomeOnHold, ""},
		{"an id that is a text", "pull_request", pull("pull_request.head.repo.id", "1"), 400, "", "id"},
		{"no base repository", "pull_request", pull("pull_request.base.repo", null), 200, db.OutcomeIgnored, "base of the pull request"},
		{"no head", "pull_request", pull("pull_request.head", nil), 200, db.OutcomeIgnored, "head of the pull request is no commit"},
		{"head null", "pull_request", pull("pull_request.head", null), 200, db.OutcomeIgnored, "head of the pull request is no commit"},
		{"pull_request null", "pull_request", pull("pull_request", null), 200, db.OutcomeIgnored, "no pull request"},
		{"number 0", "pull_request", pull("pull_request.number", 0), 200, db.OutcomeIgnored, "no pull request"},
		{"number -1", "pull_request", pull("pull_request.number", -1), 200, db.OutcomeIgnored, "no pull request"},
		{"a number too large", "pull_request", pull("pull_request.number", json.RawMessage("92233720368547758080")), 400, "", "number"},
		{"edited", "pull_request", pull("action", "edited").with("changes", variant{"base": variant{"ref": variant{"from": "old"}}}), 200, db.OutcomeIgnored, "changes no commit"},
		{"no action", "pull_request", pull("action", nil), 200, db.OutcomeIgnored, "changes no commit"},
		{"enqueued", "pull_request", pull("action", "enqueued"), 200, db.OutcomeIgnored, "enqueued changes no commit"},
		{"merged", "pull_request", pull("action", "closed").with("pull_request.merged", true), 200, db.OutcomeIgnored, "was closed"},
		{"a review's payload", "pull_request_review", pull("action", "submitted"), 200, db.OutcomeIgnored, "pull_request_review starts no"},
		{"Gitea's review", "pull_request_approved", pull("action", "reviewed"), 200, db.OutcomeIgnored, "pull_request_approved starts no"},
		{"pull_request_target", "pull_request_target", usualPull, 200, db.OutcomeIgnored, "pull_request_target starts no"},

		{"a branch that is gone", "delete", push("ref", "topic").with("ref_type", "branch"), 200, db.OutcomeIgnored, "topic was deleted"},
		{"a tag that is gone", "delete", push("ref", "v1").with("ref_type", "tag"), 200, db.OutcomeIgnored, "v1 was deleted"},
		{"something that is gone", "delete", push("ref", "x").with("ref_type", "repository"), 200, db.OutcomeIgnored, "no branch and no tag"},
		{"nothing that is gone", "delete", push("ref", null).with("ref_type", "branch"), 200, db.OutcomeIgnored, "no branch and no tag"},
		{"a repository is made", "create", push("ref", null).with("ref_type", "repository"), 200, db.OutcomeIgnored, "the push event"},
		{"ping of an organization", "ping", variant{"zen": "z", "organization": variant{"login": "acme"}}, 200, db.OutcomeIgnored, "no repository"},
		{"ping, hook null", "ping", push("hook", null), 200, db.OutcomeIgnored, "pong"},
		{"merge_group", "merge_group", push("action", "checks_requested").with("merge_group", variant{"head_sha": some, "head_ref": "refs/heads/gh-readonly-queue/main/pr-7"}), 200, db.OutcomeIgnored, "merge_group starts no"},
		{"check_suite", "check_suite", push("action", "rerequested").with("check_suite", variant{"head_sha": some}), 200, db.OutcomeIgnored, "check_suite starts no"},
		{"check_run", "check_run", push("action", "rerequested"), 200, db.OutcomeIgnored, "check_run starts no"},
		{"workflow_dispatch", "workflow_dispatch", push("ref", "refs/heads/main").with("inputs", null), 200, db.OutcomeIgnored, "workflow_dispatch starts no"},
		{"workflow_job", "workflow_job", push("action", "queued"), 200, db.OutcomeIgnored, "workflow_job starts no"},
		{"deployment", "deployment", push("action", "created"), 200, db.OutcomeIgnored, "deployment starts no"},
		{"a rename", "repository", push("action", "renamed").with("changes", variant{"repository": variant{"name": variant{"from": "app"}}}), 200, db.OutcomeIgnored, "repository starts no"},
		{"a rename to a name that is not listed", "repository", push("action", "renamed").with("repository.full_name", "acme/new"), 403, "", "not on the list"},
		{"other types than ours", "code_scanning_alert", push("ref", 5).with("hook", "x").with("head_commit", "x"), 200, db.OutcomeIgnored, "code_scanning_alert starts no"},
		{"a repository of another type", "package", push("repository", "acme/app"), 200, db.OutcomeIgnored, "no repository"},
		{"repositories, and none of them", "installation_repositories", variant{"action": "added", "repositories_added": []any{variant{"full_name": "acme/app"}}}, 200, db.OutcomeIgnored, "no repository"},
		{"nothing", "security_advisory", variant{}, 200, db.OutcomeIgnored, "no repository"},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, servers) })
	}
}

// TestNoObjects is about bodies that are signed, and are no object.
func TestNoObjects(t *testing.T) {
	deep := strings.Repeat(`{"repository":`, 20000) + strings.Repeat("}", 20000)
	s := newHooks(t)
	for body, want := range map[string]int{"": 400, "null": 200, "[]": 400, `"x"`: 400, "5": 400, "{}{}": 400, "\xff": 400, "[" + strings.Repeat("[", 20000): 400, deep: 400} {
		for _, event := range []string{"push", "pull_request", "ping"} {
			if status, _, answer := post(t, s, delivery(event, body)); status != want {
				t.Errorf("%s of %.30q: %d %s, want %d", event, body, status, answer, want)
			}
		}
	}
}

// TestUnknownDefaultBranch: where nobody says which branch is the default one,
// no pipeline of a branch is ended by a newer one.
func TestUnknownDefaultBranch(t *testing.T) {
	for branch, moves := range map[string]bool{`"main"`: true, `"topic"`: false, "null": false, `""`: false} {
		body, _ := json.Marshal(usualPush.with("repository.default_branch", json.RawMessage(branch)))
		s := newHooks(t)
		post(t, s, delivery("push", string(body)))
		if all, err := s.History.Waiting(t.Context()); err != nil || len(all) != 1 || all[0].Moving != moves {
			t.Errorf("default branch %s: %+v, %v", branch, all, err)
		}
	}
}
