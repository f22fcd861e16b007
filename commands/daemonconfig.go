package commands

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-multierror"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/gitops"
	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// settings are what a daemon goes by: flags first, then its config file, then
// what `popsicle daemon repo add` put into the history.
type settings struct {
	Listen   string
	Jobs     int // at once, over all pipelines; 0: as many as the engines take
	Poll     time.Duration
	Unsigned bool
	MaxSize  int64             // bytes that the mirror of a repository may have
	SSHKey   string            // file; empty: the agent
	Statuses string            // off, workflow or job: how commits hear of their pipelines
	URL      string            // under which others reach the daemon: statuses link to it
	APIs     map[string]string // where the API of a host is, if not where GitHub has it
	Secrets  [][]byte
	Repos    map[string]db.Repo // by name in lower case

	engines   []string // that were added, by name
	elsewhere int      // jobs that they take at once, as far as that was said
	front
}

// defaultMaxSize is how large a repository may be if nothing else is said.
const defaultMaxSize = 4 << 30

func (d *daemon) settings() settings { return *d.now.Load() }

// repo finds a repository on the list.
func (d *daemon) repo(name string) (db.Repo, bool) {
	r, ok := d.settings().Repos[strings.ToLower(name)]
	return r, ok
}

func (d *daemon) secrets() [][]byte { return d.settings().Secrets }

// reload reads all settings anew. With an error, the old ones hold.
func (d *daemon) reload(ctx context.Context) error {
	s, err := d.readConfig()
	if err != nil {
		return err
	}
	kept, err := d.history.Repos(ctx)
	if err != nil {
		return err
	}
	for _, r := range kept {
		if _, named := s.Repos[strings.ToLower(r.Name)]; !named {
			s.Repos[strings.ToLower(r.Name)] = r
		}
	}
	d.flags.over(&s)
	if s.Secrets, err = readSecrets(d.home); err != nil {
		return err
	}
	if len(s.Secrets) == 0 && !s.Unsigned {
		return usage("there is no secret that webhooks could be signed with: popsicle daemon secret makes one")
	}
	added, err := d.history.Runners(ctx)
	if err != nil {
		return err
	}
	for _, r := range added {
		if r.Name != "" {
			s.engines = append(s.engines, r.Name)
			s.elsewhere += max(1, r.MaxJobs)
		}
	}
	d.now.Store(&s)
	d.dock.SetLimit(s.Jobs)
	return nil
}

// over puts the flags that were given over s, and what nobody said.
func (f settings) over(s *settings) {
	if f.Listen != "" {
		s.Listen = f.Listen
	}
	if s.Listen == "" {
		s.Listen = "127.0.0.1:7979"
	}
	if f.Jobs > 0 {
		s.Jobs = f.Jobs
	}
	if f.Poll > 0 {
		s.Poll = f.Poll
	}
	if s.MaxSize == 0 {
		s.MaxSize = defaultMaxSize
	}
	if f.Statuses != "" {
		s.Statuses = f.Statuses
	}
	if f.URL != "" {
		s.URL = f.URL
	}
	s.Unsigned = f.Unsigned
	f.front.over(&s.front)
}

// repoName is what a repository may be called.
var repoName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*/[A-Za-z0-9_.][A-Za-z0-9._-]*$`)

// readConfig reads the config file; where none was named, there need be none.
func (d *daemon) readConfig() (settings, error) {
	file := d.configFile
	if file == "" {
		file = filepath.Join(d.home, "daemon.yml")
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) && d.configFile == "" {
		return settings{Repos: map[string]db.Repo{}}, nil
	}
	if err != nil {
		return settings{}, usage("--config: %w", err)
	}
	return parseDaemonConfig(file, text)
}

// A configReader collects the mistakes of a config.
type configReader struct{ wrong *multierror.Error }

func (r *configReader) fail(n *tree.Node, message, hint string) {
	r.wrong = multierror.Append(r.wrong, &tree.Error{Pos: n.Pos(), Message: message, Hint: hint})
}

// parseDaemonConfig reads the text of a config file. All mistakes are in the
// error at once, each at its place.
func parseDaemonConfig(file string, text []byte) (settings, error) {
	s, r := settings{Repos: map[string]db.Repo{}}, &configReader{}
	root, mistakes := tree.Read(file, text)
	for _, m := range mistakes {
		r.wrong = multierror.Append(r.wrong, m)
	}
	if r.wrong == nil && root.Is(tree.Map) {
		r.keys(root, map[string]func(*tree.Node){
			"listen":   func(n *tree.Node) { s.Listen = r.text(n) },
			"jobs":     func(n *tree.Node) { s.Jobs = int(r.number(n)) },
			"poll":     func(n *tree.Node) { s.Poll = r.duration(n) },
			"max_size": func(n *tree.Node) { s.MaxSize = r.number(n) << 20 },
			"ssh_key":  func(n *tree.Node) { s.SSHKey = r.text(n) },
			"hosts":    func(n *tree.Node) { s.Hosts = r.texts(n, nil) },
			"tls_cert": func(n *tree.Node) { s.Cert = r.text(n) },
			"tls_key":  func(n *tree.Node) { s.Key = r.text(n) },
			"rate":     func(n *tree.Node) { s.Rate = int(r.number(n)) },
			"statuses": func(n *tree.Node) { s.Statuses = r.oneOf(n, statusOff, statusWorkflow, statusJob) },
			"url":      func(n *tree.Node) { s.URL = r.site(n) },
			"apis": func(n *tree.Node) {
				s.APIs = map[string]string{}
				for _, p := range n.Pairs {
					s.APIs[strings.ToLower(p.Key.Text)] = r.site(p.Value)
				}
			},
			"repositories": func(n *tree.Node) {
				if !n.Is(tree.Map) && !n.Is(tree.Null) {
					r.fail(n, "the repositories are "+n.Kind.String(), "write a map of owner/name")
				}
				for _, p := range n.Pairs {
					s.Repos[strings.ToLower(p.Key.Text)] = r.repo(p)
				}
			},
		})
	} else if r.wrong == nil && root != nil && !root.Is(tree.Null) {
		r.fail(root, "the config is "+root.Kind.String(), "write a map: listen, hosts, tls_cert, tls_key, rate, jobs, poll, max_size, ssh_key, statuses, url, apis, repositories")
	}
	if r.wrong == nil {
		return s, nil
	}
	r.wrong.ErrorFormat = lines
	return s, r.wrong
}

// keys takes the entries of a map, and knows no others.
func (r *configReader) keys(n *tree.Node, known map[string]func(*tree.Node)) {
	for _, p := range n.Pairs {
		take, ok := known[p.Key.Text]
		if !ok {
			r.fail(p.Key, fmt.Sprintf("there is no setting %q", p.Key.Text), "there are "+strings.Join(slices.Sorted(maps.Keys(known)), ", "))
			continue
		}
		take(p.Value)
	}
}

func (r *configReader) repo(p tree.Pair) db.Repo {
	repo := db.Repo{Name: p.Key.Text, URL: "https://github.com/" + p.Key.Text}
	if !repoName.MatchString(repo.Name) {
		r.fail(p.Key, fmt.Sprintf("%q is no name of a repository", repo.Name), "write owner/name")
	}
	if p.Value.Is(tree.Null) {
		return repo
	}
	if !p.Value.Is(tree.Map) {
		r.fail(p.Value, "the repository is "+p.Value.Kind.String(), "write a map: url, events, contexts")
		return repo
	}
	r.keys(p.Value, map[string]func(*tree.Node){
		"url":      func(n *tree.Node) { repo.URL = r.address(n) },
		"events":   func(n *tree.Node) { repo.Events = r.texts(n, knownEvents) },
		"contexts": func(n *tree.Node) { repo.Contexts = r.texts(n, nil) },
	})
	return repo
}

// knownEvents are what can start a pipeline.
var knownEvents = []string{"push", "pull_request", "schedule"}

func (r *configReader) text(n *tree.Node) string {
	if !n.Scalar() && !n.Is(tree.String) || n.Text == "" {
		r.fail(n, "this is "+n.Kind.String(), "write a text")
	}
	return n.Text
}

func (r *configReader) address(n *tree.Node) string {
	text := r.text(n)
	if text == "" {
		return ""
	}
	if err := gitops.ValidURL(text); err != nil {
		r.fail(n, err.Error(), "")
	}
	return text
}

func (r *configReader) oneOf(n *tree.Node, known ...string) string {
	if !slices.Contains(known, n.Text) {
		r.fail(n, fmt.Sprintf("%q is no way to do it", n.Text), "there are "+strings.Join(known, ", "))
	}
	return n.Text
}

// site reads the URL of a web server.
func (r *configReader) site(n *tree.Node) string {
	u, err := url.Parse(n.Text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		r.fail(n, fmt.Sprintf("%q is no URL of a server", n.Text), "write https://HOST or http://HOST:PORT/api/v1")
	}
	return n.Text
}

func (r *configReader) number(n *tree.Node) int64 {
	i, err := strconv.ParseInt(n.Text, 10, 40)
	if err != nil || i < 1 {
		r.fail(n, fmt.Sprintf("%q is no number above 0", n.Text), "")
	}
	return i
}

func (r *configReader) duration(n *tree.Node) time.Duration {
	d, err := time.ParseDuration(n.Text)
	if err != nil || d < time.Second {
		r.fail(n, fmt.Sprintf("%q is no time of at least a second", n.Text), "write 30s, 1m or 2h")
	}
	return d
}

func (r *configReader) texts(n *tree.Node, known []string) (all []string) {
	items := n.Items
	if n.Is(tree.String) {
		items = []*tree.Node{n}
	}
	for _, item := range items {
		if text := r.text(item); known != nil && !slices.Contains(known, text) {
			r.fail(item, fmt.Sprintf("there is no event %q", text), "there are "+strings.Join(known, ", "))
		}
		all = append(all, item.Text)
	}
	return all
}
