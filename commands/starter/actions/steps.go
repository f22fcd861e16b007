package actions

import (
	"regexp"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// steps are the job's steps, each as an entry or as a comment.
func (b *builder) steps() []step {
	var all []step
	for _, s := range items(b.job.Get("steps")) {
		switch when, ok := conditions[b.condition(s.Get("if").String())]; {
		case !ok:
			all = append(all, b.leave(s, "if: "+oneLine(s.Get("if").String())))
		case s.Get("run") != nil:
			all = append(all, b.run(s, when))
		case s.Get("uses") != nil:
			all = append(all, b.uses(s)...)
		}
	}
	return append(all, b.saves...)
}

// conditions are the "if" of a step that have a counterpart in "when".
var conditions = map[string]string{
	"": "", "success()": "", "always()": "always", "!cancelled()": "always", "failure()": "on_fail",
}

// onSystem matches a condition on what the job runs on.
var onSystem = regexp.MustCompile(`^(matrix\.[\w-]+|runner\.os) (==|!=) '([^']*)'$`)

// condition is an "if" on one line; empty where it holds on every Linux.
func (b *builder) condition(text string) string {
	text = oneLine(unwrap(text))
	m := onSystem.FindStringSubmatch(text)
	if m == nil || m[1] != "runner.os" && m[1] != b.system {
		return text
	}
	if linux := m[3] == "Linux" || strings.HasPrefix(m[3], "ubuntu"); linux == (m[2] == "==") {
		return ""
	}
	return text
}

// leave makes the comment that stands for a step.
func (b *builder) leave(s *tree.Node, why string) step {
	name := first(s.Get("name").String(), s.Get("uses").String(), s.Get("run").String())
	return step{notes: []string{"left out: " + b.left(s, "%s (%s)", oneLine(name), why)}}
}

// run makes a run step.
func (b *builder) run(s *tree.Node, when string) step {
	shell := first(s.Get("shell").String(), b.defaults("shell"))
	if strings.HasPrefix(shell, "pwsh") || strings.HasPrefix(shell, "powershell") || shell == "cmd" {
		return b.leave(s, "shell: "+shell)
	}
	text := s.Get("run").String()
	command := b.command(s, text)
	r := b.at.MapOf()
	if name := s.Get("name").String(); name != "" {
		r = r.With("name", b.at.Str(b.expand(s, name)))
	}
	r = r.With("command", b.at.Str(command))
	if dir := first(s.Get("working-directory").String(), b.defaults("working-directory")); dir != "" {
		r = r.With("working_directory", b.at.Str(b.expand(s, dir)))
	}
	if program := shells[shell]; program != "" {
		r = r.With("shell", b.at.Str(program))
	}
	if env := b.environment(s.Get("env")); len(env.Pairs) > 0 {
		r = r.With("environment", env)
	}
	if when != "" {
		r = r.With("when", b.at.Str(when))
	}
	return step{node: b.at.MapOf(tree.Pair{Key: b.at.Str("run"), Value: r}), notes: b.remarks(s, text)}
}

// shells are those that popsicle has to be told of.
var shells = map[string]string{"python": "python3", "sh": "/bin/sh -e", "node": "node"}

// files are those of GitHub Actions that a command writes to, and what does
// the same.
var files = []struct{ name, instead string }{
	{"GITHUB_ENV", `echo 'export NAME="value"' >> "$BASH_ENV" keeps a variable for the next steps`},
	{"GITHUB_OUTPUT", "a file, or $BASH_ENV, takes results to later steps; a workspace takes them to later jobs"},
	{"GITHUB_PATH", `echo 'export PATH="$PATH:dir"' >> "$BASH_ENV" does the same`},
	{"GITHUB_STEP_SUMMARY", "store_artifacts keeps what a reader should find"},
}

// remarks are what a reader has to do by hand for a command.
func (b *builder) remarks(s *tree.Node, text string) []string {
	var all []string
	for _, f := range files {
		if strings.Contains(text, f.name) {
			all = append(all, b.left(s, "$%s: %s", f.name, f.instead))
		}
	}
	if v := s.Get("continue-on-error"); v.True() {
		all = append(all, b.left(s, "continue-on-error: end the command with || true"))
	}
	return all
}

// defaults is what the job or the workflow says for all its run steps.
func (b *builder) defaults(key string) string {
	return first(b.job.Get("defaults").Get("run").Get(key).String(), b.doc.Get("defaults").Get("run").Get(key).String())
}
