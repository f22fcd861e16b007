package commands

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/popsicle-ci/popsicle/commands/forward"
)

// forwards are the repositories whose webhooks gh shall bring, by their names
// on the list.
func forwards(ctx context.Context, names []string, s settings) (repos []string, err error) {
	if len(names) == 0 {
		return nil, nil
	}
	for _, name := range names {
		r, listed := s.Repos[strings.ToLower(name)]
		if !listed {
			return nil, usage("--forward %s: the repository is not on the list: popsicle daemon repo add %s", name, name)
		}
		repos = append(repos, r.Name)
	}
	if !s.Unsigned {
		return nil, usage(`--forward needs --unsigned: gh takes the secret as an argument alone, where every user of this machine sees it
  popsicle daemon --forward %s --unsigned takes webhooks of any program on this machine`, names[0])
	}
	if s.Cert != "" {
		return nil, usage("--forward excludes --tls-cert: gh brings webhooks over plain http of this machine")
	}
	if err := forward.Check(ctx); err != nil {
		return nil, usage("--forward: %w", err)
	}
	return repos, nil
}

// forward begins to bring the webhooks of d.forwards, until ctx ends.
func (d *daemon) forward(ctx context.Context, address string) *sync.WaitGroup {
	var all sync.WaitGroup
	for _, repo := range d.forwards {
		log := d.log.With("repo", repo)
		f := &forward.Forwarder{
			Repo: repo, URL: "http://" + address + "/webhook",
			Said: func(line string) { log.Info("gh webhook forward", "says", line) },
			Ends: func(err error, wait time.Duration) {
				log.Warn("gh webhook forward ended: somebody else may forward this repository", "error", err, "again_in", wait)
			},
		}
		all.Go(func() { f.Run(ctx) })
	}
	return &all
}
