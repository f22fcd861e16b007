// Package ghstatus tells GitHub how the runs of a commit went: commit
// statuses, with the credentials of gh. A status says only what was tested:
// it is made for a commit when the tree that ran is exactly that commit's.
package ghstatus

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"
)

// A State is what a commit status says.
// https://docs.github.com/en/rest/commits/statuses#create-a-commit-status
type State string

// The states.
const (
	Pending State = "pending"
	Success State = "success"
	Failure State = "failure" // a job failed
	Error   State = "error"   // canceled, timed out, or popsicle could not do its part
)

// A Target is the commit that statuses are made for.
type Target struct {
	Host   string // "github.com", or that of a GitHub Enterprise Server
	Repo   string // "owner/name"
	Commit string // full SHA
}

// A Status is one line in a commit's list of checks.
type Status struct {
	Target
	Context     string // names the line: "popsicle/main"
	State       State
	Description string // at most DescriptionLimit characters
	TargetURL   string // page of the run, http or https; may be empty
	Pipeline    int64  // the run that says it: of two, the later one counts
}

// DescriptionLimit is how many characters GitHub takes as a description.
const DescriptionLimit = 140

// shorten cuts text to what GitHub takes.
func shorten(text string) string {
	if utf8.RuneCountInString(text) <= DescriptionLimit {
		return text
	}
	return strings.TrimRight(string([]rune(text)[:DescriptionLimit-1]), " ,;") + "…"
}

// ParseRemote reads host and repository from the URL of a git remote, in any
// of the forms that git takes.
func ParseRemote(remote string) (host, repo string, err error) {
	host, path, err := splitRemote(remote)
	if err != nil {
		return "", "", err
	}
	repo = strings.TrimSuffix(strings.Trim(path, "/"), ".git")
	if owner, name, ok := strings.Cut(repo, "/"); !ok || owner == "" || name == "" || strings.Contains(name, "/") {
		return "", "", errRemote(remote)
	}
	return host, repo, nil
}

// ParseHost reads the host alone: of a server that has its repositories below
// a path, the URL does not tell which part of it names them.
func ParseHost(remote string) (string, error) {
	host, _, err := splitRemote(remote)
	return host, err
}

// splitRemote takes a URL apart. The host is in lower case, and has its port
// where that is one of a web server.
func splitRemote(remote string) (host, path string, err error) {
	rest, path := remote, ""
	if scheme, after, ok := strings.Cut(remote, "://"); ok {
		u, err := url.Parse(remote)
		if err != nil || u.Hostname() == "" || scheme == "file" {
			return "", "", errRemote(after)
		}
		rest, path = u.Hostname(), u.Path
		if p := u.Port(); p != "" && (scheme == "http" || scheme == "https") {
			rest += ":" + p
		}
	} else {
		var ok bool
		if rest, path, ok = strings.Cut(remote, ":"); !ok || strings.Contains(rest, "/") {
			return "", "", errRemote(remote)
		}
		rest = rest[strings.LastIndexByte(rest, '@')+1:]
	}
	if rest == "ssh.github.com" {
		rest = "github.com" // ssh over port 443
	}
	return strings.ToLower(rest), path, nil
}

func errRemote(remote string) error {
	if at := strings.LastIndexByte(remote, '@'); at >= 0 {
		remote = remote[at+1:] // what is before it may hold a password
	}
	return fmt.Errorf("the remote %q is no repository of a GitHub host: statuses need owner/name on one", remote)
}
