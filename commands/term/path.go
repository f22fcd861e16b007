package term

import "time"

// criticalPath is the chain of jobs, each required by the next, that took
// longest together: no run of this pipeline with these times can be faster.
// Jobs that did not run are not part of it.
func (r *run) criticalPath() (chain []*job, took time.Duration) {
	p := paths{run: r, took: map[*job]time.Duration{}, before: map[*job]*job{}}
	var last *job
	for _, j := range r.jobs {
		if d := p.through(j); d > took {
			last, took = j, d
		}
	}
	for j := last; j != nil; j = p.before[j] {
		chain = append([]*job{j}, chain...)
	}
	return chain, took
}

// paths remembers the longest chain that ends in each job.
type paths struct {
	run    *run
	took   map[*job]time.Duration
	before map[*job]*job
}

func (p *paths) through(j *job) time.Duration {
	if d, known := p.took[j]; known {
		return d
	}
	p.took[j] = 0 // a circle cannot be planned; if one comes all the same, it ends here
	var longest time.Duration
	for _, needed := range p.run.needs(j) {
		if d := p.through(needed); d > longest {
			p.before[j], longest = needed, d
		}
	}
	if !j.started.IsZero() {
		longest += j.took(j.ended)
	}
	p.took[j] = longest
	return longest
}
