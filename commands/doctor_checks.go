package commands

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/ghstatus"
	"github.com/popsicle-ci/popsicle/gitops"
)

// What the doctor takes for too little, or too much.
const (
	scarceDisk  = 5 << 30 // bytes
	scarceRAM   = 2 << 30 // bytes of the engine
	slowEngine  = 500 * time.Millisecond
	clockDrift  = 2 * time.Second
	manyReports = 5 // leftovers that are named
)

func gigabytes(n uint64) string { return fmt.Sprintf("%.1f GB", float64(n)/(1<<30)) }

func (d *doctor) git(ctx context.Context) {
	v, err := gitops.Version(ctx)
	if err != nil {
		d.broken("git", err.Error(), "install git: popsicle asks it which tree is tested")
		return
	}
	d.well("git", "git "+v)
}

// gh looks for the credentials that commit statuses are posted with.
func (d *doctor) gh() {
	host, from := ghstatus.Login()
	if from == "" {
		d.better("gh", "no token for "+host+": runs are not reported to commits", "gh auth login, if you want commit statuses")
		return
	}
	d.well("gh", "the token for "+host+" is in "+from+" (not tried)")
}

func (d *doctor) disk() {
	dir, err := home()
	if err != nil {
		d.broken("disk", err.Error(), "")
		return
	}
	free, err := freeSpace(dir)
	switch text := fmt.Sprintf("%s free for %s", gigabytes(free), dir); {
	case err != nil:
		d.broken("disk", err.Error(), "choose another place with POPSICLE_HOME")
	case free < scarceDisk:
		d.better("disk", text, "popsicle gc removes what popsicle keeps; docker system df shows what docker holds")
	default:
		d.well("disk", text)
	}
}

func (d *doctor) history(ctx context.Context) {
	h, err := openHistory(ctx)
	if err != nil {
		d.broken("history", err.Error(), "")
		return
	}
	defer h.Close()
	last, err := h.Pipelines(ctx, db.PipelineFilter{Limit: 1})
	switch {
	case err != nil:
		d.broken("history", err.Error(), "move "+h.Path()+" away and keep it: a new one is made")
	case len(last) == 0:
		d.well("history", "no pipeline has run yet")
	default:
		d.well("history", fmt.Sprintf("the latest pipeline is #%d, in %s", last[0].ID, h.Path()))
	}
}

// leftovers looks for what dead runs left on the engines that answer; of the
// others was told already.
func (d *doctor) leftovers(ctx context.Context, added []db.Runner) {
	all := []engine{{db.Runner{Name: localEngine}, d.client}}
	for _, r := range added {
		all = append(all, engine{r, clientOf(r, d.client.Bin)})
	}
	var names []string
	answered := false
	isBase := func(_, home string) bool { return home != "" }
	for _, v := range each(ctx, all, func(ctx context.Context, v *errand) { v.removed, v.err = v.cli.Leftovers(ctx, isBase) }) {
		answered = answered || v.err == nil
		for _, name := range v.removed {
			if v.Name != localEngine {
				name += " on " + v.Name
			}
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		if answered {
			d.well("leftovers", "nothing of dead runs is on the engines that answer")
		}
		return
	}
	slices.Sort(names)
	shown := strings.Join(names[:min(len(names), manyReports)], ", ")
	d.better("leftovers", fmt.Sprintf("%d of dead runs are on the engines: %s", len(names), shown), "popsicle gc removes them; so does the next run")
}

// config compiles what the checkout here asks for.
func (d *doctor) config(ctx context.Context) {
	l := &launch{order: order{dir: "."}}
	err := l.openCheckout(ctx)
	if errors.Is(err, gitops.ErrNotRepository) {
		d.better("config", "there is no checkout here", "run popsicle doctor in a checkout to have its config checked")
		return
	}
	if err == nil {
		l.plan, err = l.compile(ctx, 1)
	}
	if err != nil {
		text, rest, _ := strings.Cut(err.Error(), "\n")
		if rest != "" {
			text += " …"
		}
		d.better("config", text, "popsicle config validate shows every mistake")
		return
	}
	files := make([]string, len(l.plan.Files))
	for i, f := range l.plan.Files {
		files[i] = f.Path
	}
	jobs := 0
	for _, w := range l.plan.Workflows {
		jobs += len(w.Jobs)
	}
	d.well("config", fmt.Sprintf("%s: %s", strings.Join(files, ", "), countOf(jobs, "job")))
}

func countOf(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
