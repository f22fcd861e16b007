package runner

import (
	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// nodes is how far the containers of one job are. All run to their end,
// however the others end; then the worst of them is the job's status.
type nodes struct {
	open   []bool // by node: it has not ended
	left   int
	status event.Status // the worst so far
}

// nodesOf is how many containers run the steps of a job.
func nodesOf(j *plan.Job) int { return max(1, j.Parallelism) }

func newNodes(j *plan.Job) nodes {
	n := nodes{left: nodesOf(j)}
	for range n.left {
		n.open = append(n.open, true)
	}
	return n
}

// finish notes the end of a node. With the last one the job as a whole has
// ended, as status.
func (n *nodes) finish(node int, s event.Status) (status event.Status, whole bool) {
	n.open[node] = false
	n.left--
	if n.status == "" {
		n.status = s
	}
	n.status = event.Worse(n.status, s)
	return n.status, n.left == 0
}
