package runner

import (
	"fmt"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/plan"
)

// repro is a command of the client that does the run steps of a failed job, up to
// the one that failed, without popsicle: in the checkout, with the variables
// of the config. The project's own are passed on by name, for they may be
// secret.
func (j *job) repro() string {
	if j.host {
		return "" // no container has what this host has
	}
	image, h := j.plan.Images[0], j.session.hello
	dir := expand(j.plan.WorkDir, h.Home, h.Home)
	words := []string{word(j.runner.Docker.Program()) + " run --rm -it", "-v \"$PWD\":" + word(dir), "-w " + word(dir)}
	if image.User != "" {
		words = append(words, "--user "+word(image.User))
	}
	if p := j.runner.platform(image); p != "" {
		words = append(words, "--platform "+word(p))
	}
	for _, v := range j.runner.secrets(j.plan) {
		words = append(words, "-e "+word(v.Name))
	}
	var node []plan.Var
	if n := nodesOf(j.plan); n > 1 {
		node = []plan.Var{{Name: "CIRCLE_NODE_INDEX", Value: fmt.Sprint(j.at.Node)}, {Name: "CIRCLE_NODE_TOTAL", Value: fmt.Sprint(n)}}
	}
	for _, v := range layers(image.Env, node, j.plan.Env) {
		words = append(words, "-e "+word(v.Name+"="+v.Value))
	}
	shell, args, _ := strings.Cut(j.shell(plan.Run{}), " ")
	words = append(words, "--entrypoint "+word(shell), word(image.Name))
	if args != "" {
		words = append(words, args)
	}
	return j.runner.Mask.String(strings.Join(append(words, "-c "+quote(j.script())), " "))
}

// script is the commands of the run steps that were taken, in order.
func (j *job) script() string {
	var b strings.Builder
	for i, s := range j.plan.Steps {
		run, ok := s.Do.(plan.Run)
		if !ok || run.Background || s.When != plan.OnSuccess {
			continue
		}
		fmt.Fprintf(&b, "(%s%s)\n", j.preamble(run), strings.TrimSuffix(run.Command, "\n"))
		if j.first()+i == j.failedAt {
			break
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// word is s as one word of a shell, in quotes only where it needs them.
func word(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=@+,%", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return quote(s)
}
