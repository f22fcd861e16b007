package term

import "github.com/popsicle-ci/popsicle/runner/plan"

// ranked gives each job of a workflow its rank: the length of the longest
// chain of jobs that must end before it starts.
func ranked(flow *plan.Workflow) map[string]int {
	byName := map[string]*plan.Job{}
	for _, j := range flow.Jobs {
		byName[j.Name] = j
	}
	ranks := map[string]int{}
	var rank func(j *plan.Job) int
	rank = func(j *plan.Job) int {
		if r, known := ranks[j.Name]; known {
			return r
		}
		ranks[j.Name] = 0 // a circle is an error of the config; here it only must end
		longest := 0
		for _, r := range j.Requires {
			if needed := byName[r.Job]; needed != nil {
				longest = max(longest, rank(needed)+1)
			}
		}
		ranks[j.Name] = longest
		return longest
	}
	for _, j := range flow.Jobs {
		rank(j)
	}
	return ranks
}

// inOrder returns the jobs in an order in which they can start: by rank, and
// in the order of the file among those of one rank.
func inOrder(flow *plan.Workflow) []*plan.Job {
	ranks := ranked(flow)
	var layers [][]*plan.Job
	for _, j := range flow.Jobs {
		for len(layers) <= ranks[j.Name] {
			layers = append(layers, nil)
		}
		layers[ranks[j.Name]] = append(layers[ranks[j.Name]], j)
	}
	var jobs []*plan.Job
	for _, layer := range layers {
		jobs = append(jobs, layer...)
	}
	return jobs
}
