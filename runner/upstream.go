package runner

import (
	"fmt"
	"slices"
	"sort"

	"github.com/popsicle-ci/popsicle/runner/plan"
)

// An upstream is the jobs that a job waits for, directly or not.
type upstream struct {
	position map[string]int             // in an order where a job comes after those it waits for
	above    map[string]map[string]bool // by job: what it waits for, directly or not
}

// Plan tells of workflows before their first job is run. Those of a
// continuation come later.
func (r *Runner) Plan(workflows []*plan.Workflow) {
	for _, w := range workflows {
		r.common().workflows.Store(w.Name, w.Jobs)
	}
}

// jobs lists those of a workflow.
func (r *Runner) jobs(workflow string) []*plan.Job {
	jobs, _ := r.common().workflows.Load(workflow)
	list, _ := jobs.([]*plan.Job)
	return list
}

func upstreamOf(jobs []*plan.Job, name string) upstream {
	byName := map[string]*plan.Job{}
	for _, j := range jobs {
		byName[j.Name] = j
	}
	u := upstream{position: map[string]int{}, above: map[string]map[string]bool{}}
	var visit func(*plan.Job) map[string]bool
	visit = func(j *plan.Job) map[string]bool {
		if above, ok := u.above[j.Name]; ok {
			return above
		}
		above := map[string]bool{}
		u.above[j.Name] = above
		for _, r := range j.Requires {
			if needed := byName[r.Job]; needed != nil { // else it is not part of this run
				above[r.Job] = true
				for one := range visit(needed) {
					above[one] = true
				}
			}
		}
		u.position[j.Name] = len(u.position)
		return above
	}
	if j := byName[name]; j != nil {
		visit(j)
		delete(u.position, name) // what the job itself persists is not upstream
	}
	return u
}

// order returns the layers of the jobs upstream: those of a job after those
// of all that it waits for.
func (u upstream) order(all []Layer) []Layer {
	var layers []Layer
	for _, l := range all {
		if _, ok := u.position[l.Job]; ok {
			layers = append(layers, l)
		}
	}
	sort.SliceStable(layers, func(i, k int) bool { return u.position[layers[i].Job] < u.position[layers[k].Job] })
	return layers
}

// apart says whether neither of two layers was made with the other in sight.
func (u upstream) apart(a, b Layer) bool {
	if a.Job == b.Job {
		return a.Node != b.Node
	}
	return !u.above[a.Job][b.Job] && !u.above[b.Job][a.Job]
}

// concurrent says whether any two layers are apart.
func (u upstream) concurrent(layers []Layer) bool {
	for i, a := range layers {
		for _, b := range layers[:i] {
			if u.apart(a, b) {
				return true
			}
		}
	}
	return false
}

// mostClashes is how many files are named when jobs persist the same ones.
const mostClashes = 10

// clashes lists the files that layers which are apart both hold, even with
// the same content, and fills names with all files and the jobs they are of.
func (u upstream) clashes(layers []Layer, names map[string]string, read func(Layer) ([]string, error)) ([]string, error) {
	holders := map[string][]int{}
	var clashes []string
	for i, l := range layers {
		files, err := read(l)
		if err != nil {
			return nil, err
		}
		for _, name := range files {
			for _, k := range holders[name] {
				if u.apart(l, layers[k]) {
					clashes = append(clashes, fmt.Sprintf("%s (jobs %s and %s)", name, layers[k].who(), l.who()))
					break
				}
			}
			holders[name] = append(holders[name], i)
			names[name] = l.Job
		}
	}
	slices.Sort(clashes)
	if n := len(clashes) - mostClashes; n > 0 {
		clashes = append(clashes[:mostClashes], fmt.Sprintf("and %d more", n))
	}
	return clashes, nil
}

// who names the job of a layer, and which of its containers.
func (l Layer) who() string {
	if l.Node > 0 {
		return fmt.Sprintf("%s[%d]", l.Job, l.Node)
	}
	return l.Job
}
