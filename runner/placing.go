package runner

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/plan"
)

// holders are the engines that may run a job: where it goes on from what is
// kept of it, the one that has that.
func (f *Fleet) holders(workflow, job string, node int) []*Engine {
	if resume := f.Lead().Resume; resume != nil {
		if r := resume(workflow, job, node); r != nil {
			return slices.DeleteFunc(slices.Clone(f.engines), func(e *Engine) bool { return e.Engine != r.Kept.Engine })
		}
	}
	return f.engines
}

// place chooses among those of some engines that suit a job the one with the most room
// for it. It is nil while they are full, or have not answered yet; the error
// says that none of them will ever take it. The dock's mu is held.
func (f *Fleet) place(some []*Engine, p *plan.Job) (*Engine, error) {
	all, label := labelled(some, p.ResourceClass)
	alive := slices.DeleteFunc(slices.Clone(all), func(e *Engine) bool { return e.state == engineDown })
	if len(alive) == 0 && label != "" {
		return nil, fmt.Errorf("no engine with the label %s answers: popsicle runners check", label)
	}
	if len(alive) == 0 {
		return nil, errNowhere
	}
	var best *Engine
	for _, e := range native(alive, f.archOf(p)) {
		if e.state == engineUp && f.Dock.on[e.Engine] < e.Places && (best == nil || f.load(e) < f.load(best)) {
			best = e
		}
	}
	return best, nil
}

// load is how full an engine is with one job more.
func (f *Fleet) load(e *Engine) float64 { return float64(f.Dock.on[e.Engine]+1) / float64(e.Places) }

// labelled are the engines that have a resource class for a label, the class
// itself or what follows its namespace; all, where none has.
func labelled(all []*Engine, class string) (some []*Engine, label string) {
	for _, label := range []string{class, path.Base(class)} {
		for _, e := range all {
			if class != "" && slices.Contains(e.Labels, label) {
				some = append(some, e)
			}
		}
		if some != nil {
			return some, label
		}
	}
	return all, ""
}

// native are the engines of an architecture; all, where none is known to be.
func native(all []*Engine, arch string) []*Engine {
	some := slices.DeleteFunc(slices.Clone(all), func(e *Engine) bool { return arch == "" || e.Arch != arch })
	if len(some) == 0 {
		return all
	}
	return some
}

// archOf is the architecture that a job asks for: by the platform of its
// image, or by the class of CircleCI's machines for arm.
func (f *Fleet) archOf(p *plan.Job) string {
	if len(p.Images) > 0 {
		if _, arch, ok := strings.Cut(f.Lead().platform(p.Images[0]), "/"); ok {
			arch, _, _ = strings.Cut(arch, "/") // without the variant
			return arch
		}
	}
	if strings.HasPrefix(p.ResourceClass, "arm.") {
		return "arm64"
	}
	return ""
}
