package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// steps decodes the expanded steps of a job.
func (p *planner) steps(list *tree.Node) []plan.Step {
	var steps []plan.Step
	engine := false
	for _, n := range items(list) {
		s := p.step(n)
		if s == nil {
			continue
		}
		if _, another := s.Do.(plan.SetupRemoteDocker); another && engine {
			p.add(&Error{Pos: s.Pos, Message: "the job has a second setup_remote_docker", Hint: "one is enough for all steps: remove this one"})
		} else if another {
			engine = true
		}
		steps = append(steps, *s)
	}
	return steps
}

// step decodes one step; nil is what is left out or was refused.
func (p *planner) step(n *tree.Node) *plan.Step {
	key, args := n, n.At(tree.Null, "")
	if n.Kind == tree.Map && len(n.Pairs) > 0 {
		key, args = n.Pairs[0].Key, n.Pairs[0].Value
	}
	do, title := p.action(key, args)
	if do == nil {
		return nil
	}
	s := &plan.Step{Name: title, When: plan.OnSuccess, Do: do, Pos: key.Pos()}
	switch do.(type) {
	case plan.StoreArtifacts, plan.StoreTestResults:
		s.When = plan.Always // a failed job's results are what people look for
	}
	if name := args.Get("name").String(); name != "" {
		s.Name = name
	}
	if when := args.Get("when").String(); when != "" {
		s.When = plan.When(when)
	}
	return s
}

// action makes what a step does, and the title it has by itself.
func (p *planner) action(key, args *tree.Node) (plan.Action, string) {
	text := func(k string) string { return args.Get(k).String() }
	switch key.Text {
	case "run", "deploy":
		r, title := p.run(args)
		r.LastNode = key.Text == "deploy"
		return r, title
	case "checkout":
		return p.checkout(key, args), "Checkout code"
	case "save_cache":
		return plan.SaveCache{Key: text("key"), Paths: texts(args.Get("paths"))}, "Saving Cache"
	case "restore_cache":
		keys := append(texts(args.Get("key")), texts(args.Get("keys"))...)
		if len(keys) == 0 {
			p.at(key, "restore_cache has neither key nor keys", "give it the key that save_cache uses, or the beginning of it")
		}
		return plan.RestoreCache{Keys: keys}, "Restoring Cache"
	case "persist_to_workspace":
		return plan.PersistToWorkspace{Root: text("root"), Paths: texts(args.Get("paths"))}, "Persisting to Workspace"
	case "attach_workspace":
		return plan.AttachWorkspace{At: text("at")}, "Attaching Workspace"
	case "store_artifacts":
		return plan.StoreArtifacts{Path: text("path"), Destination: text("destination")}, "Uploading Artifacts"
	case "store_test_results":
		return plan.StoreTestResults{Path: text("path")}, "Uploading Test Results"
	case "add_ssh_keys":
		return plan.AddSSHKeys{Fingerprints: texts(args.Get("fingerprints"))}, "Installing additional SSH keys"
	case "setup_remote_docker":
		return plan.SetupRemoteDocker{Version: text("version")}, "Setup a remote Docker engine"
	case "install_signing_bundle":
		p.note(key, p.lang.Step.Key(key.Text))
		return nil, ""
	}
	p.at(key, fmt.Sprintf("there is no step %q", key.Text), didYouMean(key.Text, p.lang.Step.Names(), "define it under commands, or import the orb that has it"))
	return nil, ""
}

// checkout decodes a checkout step: a depth belongs to a shallow clone.
func (p *planner) checkout(key, args *tree.Node) plan.Checkout {
	c := plan.Checkout{Path: args.Get("path").String(), Method: args.Get("method").String()}
	c.Depth, _ = strconv.Atoi(args.Get("depth").String()) // the check has seen to it
	switch {
	case c.Method == "shallow" && c.Depth == 0:
		p.at(key, "a shallow checkout has no depth", "give it the key depth, at least 1")
	case c.Method != "shallow" && c.Depth > 0:
		p.at(args.KeyNode("depth"), "a checkout that is not shallow has a depth", "add method: shallow, or remove it")
	}
	return c
}

func texts(n *tree.Node) []string {
	var all []string
	for _, i := range items(n) {
		all = append(all, i.String())
	}
	return all
}

// run decodes a run step: a command, or a map.
func (p *planner) run(args *tree.Node) (plan.Run, string) {
	command := args
	if args.Kind == tree.Map {
		command = args.Get("command")
	}
	r := plan.Run{
		Command: command.String(), Shell: commandLine(args.Get("shell")), Env: p.env(args.Get("environment")),
		WorkDir:         args.Get("working_directory").String(),
		NoOutputTimeout: duration(args.Get("no_output_timeout")), AutoRerunDelay: duration(args.Get("auto_rerun_delay")),
		Background: args.Get("background").True(),
	}
	r.MaxAutoReruns, _ = strconv.Atoi(args.Get("max_auto_reruns").String()) // the check has seen to it
	if r.Background && r.MaxAutoReruns > 0 {
		p.at(args.Get("max_auto_reruns"), "a background step has max_auto_reruns", "nobody waits for its end: remove one of the two")
	}
	if r.AutoRerunDelay > 0 && r.MaxAutoReruns == 0 {
		p.at(args.Get("auto_rerun_delay"), "auto_rerun_delay stands without max_auto_reruns", "add max_auto_reruns, or remove the delay")
	}
	return r, firstLine(r.Command)
}

// firstLine is the title of a command that has no name.
func firstLine(command string) string {
	command = strings.TrimSpace(command)
	line, more, _ := strings.Cut(command, "\n")
	if more != "" {
		return line + " …"
	}
	return line
}

// duration reads 30s, 10m, 1.5h; the check has refused what is none.
func duration(n *tree.Node) time.Duration {
	if n.Is(tree.Int) {
		n = n.Str(n.Text + "s") // a number without a unit is seconds
	}
	d, _ := time.ParseDuration(n.String())
	return d
}
