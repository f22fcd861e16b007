package config

import (
	"fmt"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// reserved are the keys of an invocation that are no parameters of the job.
var reserved = []string{"requires", "name", "context", "type", "filters", "matrix", "pre-steps", "post-steps", "serial-group", "override-with"}

// An invocation is one use of a job, with its matrix parameters filled in.
type invocation struct {
	key  *tree.Node // the job's name as written in the workflow
	args *tree.Node // what stands under it, filled in; a map or null
	f    *frame
}

// job expands a job definition for one use of it.
func (c *compiler) job(inv invocation, def *tree.Node, scope *scope) *tree.Node {
	params := c.bind(call{
		at: inv.key, what: fmt.Sprintf("the job %q", inv.key.Text), params: def.Get("parameters"),
		args: inv.args, ignore: reserved, caller: inv.f, scope: scope,
	})
	f := &frame{scope: scope, params: params}
	body := c.fill(def.Without("parameters", "steps", "executor", "description", "branches"), f)
	if isPassive(def) {
		return body
	}
	body = c.withExecutor(body, def.Get("executor"), f)
	steps := c.expandSteps(inv.args.Get("pre-steps"), inv.f)
	steps = append(steps, c.expandSteps(def.Get("steps"), f)...)
	steps = append(steps, c.expandSteps(inv.args.Get("post-steps"), inv.f)...)
	if def.Get("steps") == nil {
		return body // Plan says so
	}
	return body.With("steps", def.Get("steps").ListOf(steps))
}

// isPassive tells whether a job has no steps by its type.
func isPassive(def *tree.Node) bool {
	switch def.Get("type").String() {
	case "approval", "no-op", "release", "lock", "unlock":
		return true
	}
	return false
}

// definition finds the job an invocation means: the one of override-with, if
// there is one, or else the one it names.
func (c *compiler) definition(inv invocation) (*tree.Node, *scope) {
	if other := inv.args.Get("override-with"); other != nil {
		if orbName(other.String()) == other.String() {
			c.at(other, fmt.Sprintf("override-with is %q", other.String()), "it names a job of an orb: orb/job")
		}
		if def, scope := inv.f.scope.find(aJob, other.String()); def != nil {
			c.checkElement(scope, aJob, other.String(), def)
			return def, scope
		}
	}
	def, scope := inv.f.scope.find(aJob, inv.key.Text)
	switch {
	case def != nil:
		c.checkElement(scope, aJob, inv.key.Text, def)
	case scope == nil:
		c.unknown(inv.key, aJob, inv.key.Text, inv.f.scope)
	}
	return def, scope
}
