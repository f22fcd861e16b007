package term

import (
	"fmt"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// A run is what the events of a pipeline have told so far. It has no lock:
// the sink that owns it does.
type run struct {
	pipeline event.PipelineStarted
	tree     event.TreeRead
	jobs     []*job // in the order of the plan
	byID     map[int]*job
	byName   map[jobName]*job
	asked    int  // the job that a key decides, by its ID; 0: none
	several  bool // jobs belong to several workflows
	status   event.Status
	reason   string
	started  time.Time
	ended    time.Time
}

// A jobName finds a job as others require it.
type jobName struct{ workflow, name string }

func newRun() *run {
	return &run{byID: map[int]*job{}, byName: map[jobName]*job{}, status: event.Queued}
}

// apply takes one event into the state. Output changes nothing here: only
// who wants to show the last lines calls job.write.
func (r *run) apply(e event.Event) {
	switch e := e.(type) {
	case event.PipelineStarted:
		r.pipeline, r.status, r.started = e, event.Running, e.Time
	case event.TreeRead:
		r.tree = e
	case event.PipelineFinished:
		r.status, r.reason, r.ended = e.Status, clean(e.Reason), e.Time
	default:
		if j := r.job(e.Where()); j != nil {
			j.apply(e)
		}
		if q, ok := e.(event.JobQueued); ok && r.byID[q.RerunOf] != nil {
			r.byID[q.RerunOf].again = true
		}
	}
}

// job is the job an event belongs to, or nil. A job that was not announced
// is taken in all the same.
func (r *run) job(at event.At) *job {
	if at.JobID == 0 {
		return nil
	}
	j := r.byID[at.JobID]
	if j == nil {
		j = &job{id: at.JobID, name: clean(at.Job), workflow: clean(at.Workflow), status: event.Queued}
		r.several = r.several || len(r.jobs) > 0 && r.jobs[0].workflow != j.workflow
		r.jobs = append(r.jobs, j)
		r.byID[j.id], r.byName[jobName{at.Workflow, at.Job}] = j, j
	}
	return j
}

// needs returns the jobs that j requires, as far as they are known.
func (r *run) needs(j *job) []*job {
	var needed []*job
	for _, name := range j.queued.Requires {
		if n := r.byName[jobName{j.queued.Workflow, name}]; n != nil {
			needed = append(needed, n)
		}
	}
	return needed
}

// label names a job so that no other has the name.
func (r *run) label(j *job) string {
	if r.several {
		return j.workflow + "/" + j.name
	}
	return j.name
}

// labelOf names the job of a step, and the node where it has several.
func (r *run) labelOf(j *job, s *step) string {
	if j.nodes() > 1 {
		return fmt.Sprintf("%s[%d]", r.label(j), s.node)
	}
	return r.label(j)
}

// approve is the command that approves a job.
func (r *run) approve(j *job) string {
	return fmt.Sprintf("popsicle approve %d %s", r.pipeline.Pipeline, quote(r.label(j)))
}

// workflows groups the jobs, in the order of the plan. One that was not run is
// not worth a line when it is queued again.
func (r *run) workflows() [][]*job {
	var groups [][]*job
	place := map[string]int{}
	for _, j := range r.jobs {
		if j.again && j.status == event.NotRun {
			continue
		}
		i, known := place[j.workflow]
		if !known {
			i, place[j.workflow] = len(groups), len(groups)
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], j)
	}
	return groups
}

// tally counts jobs by status. Of a job that was run again its last run counts.
func tally(jobs []*job) map[event.Status]int {
	n := map[event.Status]int{}
	for _, j := range jobs {
		if !j.again {
			n[j.status]++
		}
	}
	return n
}
