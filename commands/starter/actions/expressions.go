package actions

import (
	"regexp"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// expression matches "${{ name }}".
func expression(name string) *regexp.Regexp {
	return regexp.MustCompile(`\$\{\{\s*` + regexp.QuoteMeta(name) + `\s*\}\}`)
}

var anyExpression = regexp.MustCompile(`\$\{\{\s*(.*?)\s*\}\}`)

// counterparts are the variables of a job that say what an expression says.
var counterparts = map[string]string{
	"github.sha":                   "$CIRCLE_SHA1",
	"github.ref_name":              "$CIRCLE_BRANCH",
	"github.head_ref":              "$CIRCLE_BRANCH",
	"github.workspace":             "$CIRCLE_WORKING_DIRECTORY",
	"github.run_id":                "$CIRCLE_WORKFLOW_ID",
	"github.run_number":            "$CIRCLE_BUILD_NUM",
	"github.actor":                 "$CIRCLE_USERNAME",
	"github.job":                   "$CIRCLE_JOB",
	"github.event.repository.name": "$CIRCLE_PROJECT_REPONAME",
	"runner.temp":                  "/tmp",
	"runner.os":                    "Linux",
}

// secret returns the name, where the whole value is one secret.
func secret(value string) (string, bool) {
	m := anyExpression.FindStringSubmatch(value)
	if m == nil || m[0] != strings.TrimSpace(value) {
		return "", false
	}
	return strings.CutPrefix(m[1], "secrets.")
}

// expand writes text in the terms of popsicle. An expression that has none
// stays as it is, and is told.
func (b *builder) expand(at *tree.Node, text string) string {
	text = strings.ReplaceAll(text, "<<", `\<<`)
	return anyExpression.ReplaceAllStringFunc(text, func(whole string) string {
		inner := anyExpression.FindStringSubmatch(whole)[1]
		if v, ok := counterparts[inner]; ok {
			return v
		}
		kind, name, _ := strings.Cut(inner, ".")
		switch {
		case inner == b.system:
			return "ubuntu-latest"
		case kind == "matrix" && b.has(name):
			return "<< parameters." + name + " >>"
		case kind == "env" && variable.MatchString(name):
			return "$" + name
		case kind == "secrets" && variable.MatchString(name):
			b.secret(name)
			return "$" + name
		}
		if at == nil {
			at = b.at
		}
		b.note(b.left(at, "%s has no counterpart", oneLine(whole)))
		return whole
	})
}

// variable is what the name of a variable looks like.
var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// has says whether the matrix has a parameter of that name.
func (b *builder) has(name string) bool {
	for _, p := range b.matrix {
		if p.Key.Text == name {
			return true
		}
	}
	return false
}

// command is a script in the terms of popsicle.
func (b *builder) command(s *tree.Node, text string) string {
	return strings.TrimRight(b.expand(s, text), "\n")
}

// unwrap takes "${{ }}" off a condition.
func unwrap(cond string) string {
	if m := anyExpression.FindStringSubmatch(cond); m != nil && m[0] == strings.TrimSpace(cond) {
		return m[1]
	}
	return cond
}
