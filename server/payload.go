package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/popsicle-ci/popsicle/db"
)

// A payload is what we read of a webhook: https://docs.github.com/en/webhooks/webhook-events-and-payloads.
// Gitea leaves out created, deleted and forced, so the zeros of before and
// after tell; times are in several types and are not read at all.
type payload struct {
	Ref         string       `json:"ref"`
	RefType     string       `json:"ref_type"`
	After       string       `json:"after"`
	HeadCommit  *headCommit  `json:"head_commit"`
	Action      string       `json:"action"`
	PullRequest *pullRequest `json:"pull_request"`
	Repository  repository   `json:"repository"`
	Sender      account      `json:"sender"`
	Hook        *struct {
		Config struct {
			ContentType string `json:"content_type"`
			InsecureSSL any    `json:"insecure_ssl"`
		} `json:"config"`
	} `json:"hook"`
}

type headCommit struct {
	ID      string `json:"id"`
	Message string `json:"message"`
	Author  struct {
		Name string `json:"name"`
	} `json:"author"`
}

type pullRequest struct {
	Number int      `json:"number"`
	Title  string   `json:"title"`
	URL    string   `json:"html_url"`
	Draft  bool     `json:"draft"`
	User   account  `json:"user"`
	Head   pullSide `json:"head"`
	Base   pullSide `json:"base"`
}

// A pullSide is one of the two branches of a pull request. The repository of a
// head is gone where somebody removed the fork.
type pullSide struct {
	Ref  string      `json:"ref"`
	SHA  string      `json:"sha"`
	Repo *repository `json:"repo"`
}

type repository struct {
	ID            int64   `json:"id"`
	Name          string  `json:"name"`
	FullName      string  `json:"full_name"`
	DefaultBranch string  `json:"default_branch"`
	Owner         account `json:"owner"`
}

type account struct {
	Login string `json:"login"`
}

// parsePayload reads the payload of an event. Those of events that start
// nothing may have other types where we look: their mistakes are none.
func parsePayload(event string, text []byte) (*payload, error) {
	p := &payload{}
	err := json.Unmarshal(text, p)
	var other *json.UnmarshalTypeError
	if errors.As(err, &other) && other.Field != "" && event != "push" && event != "pull_request" {
		err = nil
	}
	return p, err
}

// read fills in what a delivery of an allowed repository asks for.
func (p *payload) read(one *db.Delivery) {
	one.Outcome = db.OutcomeIgnored
	switch one.Event {
	case "push":
		p.push(one)
	case "pull_request":
		p.pull(one)
	case "ping":
		one.Reason = p.ping()
	case "create":
		one.Reason = "the push event tells it too"
	case "delete":
		p.gone(one)
	default:
		one.Reason = fmt.Sprintf("%.40s starts no pipelines", plain(one.Event))
	}
}

// objectName is a full name of a commit, in SHA-1 or SHA-256.
var objectName = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// below returns what of a ref comes after prefix, "" where it has another.
func below(ref, prefix string) (string, bool) {
	name, is := strings.CutPrefix(ref, prefix)
	if !is {
		return "", false
	}
	return name, true
}

// isZero says whether an object name is the one that stands for none.
func isZero(object string) bool {
	return objectName.MatchString(object) && strings.Trim(object, "0") == ""
}

// push reads the push of one ref.
func (p *payload) push(one *db.Delivery) {
	one.Ref, one.Commit = p.Ref, p.After
	branch, isBranch := below(p.Ref, "refs/heads/")
	tag, isTag := below(p.Ref, "refs/tags/")
	if isTag && p.HeadCommit != nil {
		one.Commit = p.HeadCommit.ID // after names the tag object where the tag is annotated
	}
	switch {
	case !isBranch && !isTag || !validRef(p.Ref):
		one.Ref, one.Commit = first(p.Ref, longestName), ""
		one.Reason = "the ref is no branch and no tag"
	case isZero(p.After):
		one.Ended, one.Reason = true, branch+tag+" was deleted"
		one.Commit = ""
	case !objectName.MatchString(one.Commit):
		one.Reason, one.Commit = "after is no name of a commit", ""
	case isTag && p.HeadCommit == nil:
		one.Reason = "the tag is not on a commit"
	case p.HeadCommit != nil && Skips(p.HeadCommit.Message):
		one.Reason = "its commit says [skip ci]"
	default:
		o := &db.Order{
			Repo: one.Repo, Trigger: "webhook", Event: "push", Ref: p.Ref, Commit: one.Commit, Branch: branch, Tag: tag,
			Moving: isBranch && p.moves(branch), By: p.Sender.Login,
		}
		if p.HeadCommit != nil {
			o.Subject, _, _ = strings.Cut(p.HeadCommit.Message, "\n")
			o.Subject = first(o.Subject, longestSubject)
			o.Author = p.HeadCommit.Author.Name
		}
		one.Order = o
	}
}

// moves says whether newer pipelines of a branch supersede its older ones: not
// those of the default branch, and of none where that is not told.
func (p *payload) moves(branch string) bool {
	standard := p.Repository.DefaultBranch
	return standard != "" && branch != standard
}

// longestSubject is how many characters of a subject are kept.
const longestSubject = 1000

// gone reads the end of a branch or a tag: of a branch, Gitea tells nothing else.
func (p *payload) gone(one *db.Delivery) {
	switch p.RefType {
	case "branch":
		one.Ref = "refs/heads/" + p.Ref
	case "tag":
		one.Ref = "refs/tags/" + p.Ref
	}
	if one.Ref == "" || !validRef(one.Ref) {
		one.Ref, one.Reason = "", "what was deleted is no branch and no tag"
		return
	}
	one.Ended, one.Reason = true, p.Ref+" was deleted"
}

// pull reads what happened to a pull request.
func (p *payload) pull(one *db.Delivery) {
	pull := p.PullRequest
	if pull == nil || pull.Number <= 0 {
		one.Reason = "it has no pull request"
		return
	}
	one.Ref = fmt.Sprintf("refs/pull/%d/head", pull.Number)
	if objectName.MatchString(pull.Head.SHA) {
		one.Commit = pull.Head.SHA
	}
	switch {
	case p.Action == "closed":
		one.Ended, one.Reason = true, fmt.Sprintf("pull request %d was closed", pull.Number)
	case p.Action != "opened" && p.Action != "reopened" && p.Action != "synchronize" && p.Action != "synchronized":
		one.Reason = fmt.Sprintf("%.40s changes no commit of a pull request", plain(p.Action))
	case one.Commit == "":
		one.Reason = "the head of the pull request is no commit"
	case pull.Base.Repo == nil:
		one.Reason = "the base of the pull request is in no repository"
	default:
		one.Order = pull.order(one, p.Action, p.Sender.Login)
	}
}

// order is the pipeline of a pull request. One from another repository waits
// for an approval of exactly this commit: the names in a commit prove nothing,
// so nobody is known by them.
func (pull *pullRequest) order(one *db.Delivery, action, by string) *db.Order {
	head, base := pull.Head.Repo, pull.Base.Repo
	about := &db.Pull{Number: pull.Number, Title: first(pull.Title, longestSubject), URL: pull.URL, Base: pull.Base.Ref, Head: pull.Head.Ref, Draft: pull.Draft}
	about.Fork = head == nil || head.ID == 0 || head.ID != base.ID
	if head != nil {
		about.Owner, about.Name, _ = strings.Cut(head.FullName, "/")
	}
	o := &db.Order{
		Repo: one.Repo, Trigger: "webhook", Event: "pull_request", Action: action, Ref: one.Ref, Commit: pull.Head.SHA,
		Branch: pull.Head.Ref, Moving: true, Subject: about.Title, Author: pull.User.Login, Pull: about, By: by, Hold: about.Fork,
	}
	if about.Fork {
		// A fork's branch may be called as ours: main of a stranger is not main.
		// https://circleci.com/docs/guides/integration/oss/#build-pull-requests-from-forked-repositories
		o.Branch = fmt.Sprintf("pull/%d", pull.Number)
	}
	return o
}

// ping reads the first delivery of a webhook: what is not well with it.
func (p *payload) ping() string {
	if p.Hook == nil {
		return "pong"
	}
	c := p.Hook.Config
	if insecure := fmt.Sprint(c.InsecureSSL); insecure == "1" || insecure == "true" {
		return "pong; the webhook does not verify the certificate of this daemon: enable SSL verification"
	}
	return "pong"
}

// skipWindow is how many characters of a title or a body are searched for
// [skip ci]. https://circleci.com/docs/guides/orchestrate/skip-build/
const skipWindow = 250

// Skips says whether the message of a commit asks for no pipeline.
func Skips(message string) bool {
	title, body, _ := strings.Cut(message, "\n")
	for _, text := range []string{title, strings.TrimLeft(body, "\r\n")} {
		text = strings.ToLower(first(text, skipWindow))
		if strings.Contains(text, "[skip ci]") || strings.Contains(text, "[ci skip]") {
			return true
		}
	}
	return false
}

// first returns the first n characters of text.
func first(text string, n int) string {
	for i := range text {
		if n == 0 {
			return text[:i]
		}
		n--
	}
	return text
}

// validRef says whether a name can be a ref, as git has it.
// https://git-scm.com/docs/git-check-ref-format
func validRef(ref string) bool {
	if len(ref) > 1024 || !utf8.ValidString(ref) || strings.ContainsAny(ref, " ~^:?*[\\\x7f") ||
		strings.Contains(ref, "..") || strings.Contains(ref, "@{") || strings.HasSuffix(ref, ".") {
		return false
	}
	for part := range strings.SplitSeq(ref, "/") {
		if part == "" || part[0] == '.' || strings.HasSuffix(part, ".lock") {
			return false
		}
	}
	return !strings.ContainsFunc(ref, func(r rune) bool { return r < ' ' })
}
