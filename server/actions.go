package server

import "fmt"

// An action is a button of a page: what is done to a pipeline or a job.
type action struct {
	Path, Name, Value string // where its form is sent, and with what
	Label             string
}

// actionsOf are what can be done to a pipeline now.
func actionsOf(p Pipeline) (all []action) {
	path := pipelinePath(p.Number)
	for _, j := range p.Jobs {
		all = append(all, actionsOfJob(j)...)
	}
	switch {
	case !statusEnded(p.Status):
		if p.Status == "on_hold" && len(p.Jobs) == 0 { // of a fork: it waits as a whole
			all = append(all, action{Path: path + "/approve", Label: "Approve"})
		}
		return append(all, action{Path: path + "/cancel", Label: "Cancel"})
	case p.Trigger == "cli": // nobody here knows the checkout
		return nil
	}
	all = append(all, action{Path: path + "/rerun", Label: "Run again"})
	if p.Status != "success" && len(p.Jobs) > 0 {
		all = append(all, action{path + "/rerun", "failed_only", "true", "Run again what failed"})
	}
	return all
}

// actionsOfJob are what can be done to a job now.
func actionsOfJob(j Job) []action {
	if j.Kind != "approval" || j.Status != "on_hold" {
		return nil
	}
	path := fmt.Sprintf("/jobs/%d/approve", j.ID)
	return []action{{path, "approve", "true", "Approve " + j.Name}, {path, "approve", "false", "Reject " + j.Name}}
}
