package config

import (
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// A place is where in a config a value stands, as far as warnings need it.
type place struct {
	environment bool   // the value is an environment
	docker      bool   // the value is in a list of images
	shell       string // the shell of the job around it
}

// walk looks at every value of the source for what is likely a mistake.
func (l *linter) walk(n *tree.Node, at place) {
	if at.environment {
		l.environment(n)
	}
	if shell := n.Get("shell"); shell.Is(tree.String) {
		at.shell = shell.Text
	}
	for _, item := range n.Items {
		l.walk(item, place{environment: at.environment && item.Kind == tree.Map, docker: at.docker, shell: at.shell})
	}
	for _, p := range n.Pairs {
		switch {
		case p.Key.Text == "image" && at.docker && p.Value.Is(tree.String):
			l.image(p.Value)
		case p.Key.Text == "run":
			l.run(p.Value, at)
		}
		l.walk(p.Value, place{environment: p.Key.Text == "environment", docker: p.Key.Text == "docker", shell: at.shell})
	}
	if n.Kind == tree.String && token().MatchString(n.Text) {
		l.warn(n, "plain-secret", "a secret is written here in plain text", "remove it, revoke it, and give it to the job in a context or an environment variable")
	}
}

// token matches the secrets that can be told by their form.
var token = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`AKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}|\bglpat-[A-Za-z0-9_-]{20}|\bxox[abprs]-[A-Za-z0-9-]{20}|-----BEGIN [A-Z ]*PRIVATE KEY-----`)
})

// environment looks at the values of an environment.
func (l *linter) environment(n *tree.Node) {
	for _, p := range n.Pairs {
		v := p.Value
		switch {
		case v.Kind == tree.Float:
			l.warn(v, "number-environment", fmt.Sprintf("%s is the number %s", p.Key.Text, v.Text), "CircleCI may print it differently (1.20 as 1.2): put quotes around it")
		case v.Kind == tree.Int && (len(v.Text) > 6 || len(v.Text) > 1 && v.Text[0] == '0'):
			l.warn(v, "number-environment", fmt.Sprintf("%s is the number %s", p.Key.Text, v.Text), "CircleCI prints it differently (1234567 as 1.234567e+06): put quotes around it")
		case v.Kind == tree.String && !v.Templated && secretName(p.Key.Text) && looksRandom(v.Text):
			l.warn(v, "plain-secret", fmt.Sprintf("%s looks like a secret in plain text", p.Key.Text), "give it to the job in a context or an environment variable")
		}
	}
}

func secretName(name string) bool {
	name = strings.ToLower(name)
	for _, part := range []string{"token", "secret", "password", "passwd", "api_key", "apikey", "private_key"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// looksRandom tells long strings of letters and digits from words people write.
func looksRandom(s string) bool {
	return len(s) >= 16 && !strings.ContainsAny(s, "$ {}<>/.") && strings.ContainsAny(s, "0123456789") && strings.ContainsAny(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz")
}

// image looks for images whose meaning changes under the config.
func (l *linter) image(n *tree.Node) {
	name := n.Text[strings.LastIndexByte(n.Text, '/')+1:]
	_, tag, tagged := strings.Cut(name, ":")
	if strings.Contains(name, "@") || n.Templated || strings.HasPrefix(n.Text, "$") {
		return
	}
	if !tagged || tag == "latest" {
		l.warn(n, "unpinned-image", fmt.Sprintf("the image %s can change from one run to the next", n.Text), "name a version: "+strings.TrimSuffix(n.Text, ":latest")+":1.2.3")
	}
}

// run looks for shells that go on after a command of the script has failed.
func (l *linter) run(n *tree.Node, at place) {
	command, shell := n, at.shell
	if n.Kind == tree.Map {
		command = n.Get("command")
		if own := n.Get("shell"); own.Is(tree.String) {
			shell = own.Text
		}
	}
	words := strings.Fields(shell)
	if !command.Is(tree.String) || len(words) == 0 || !strings.HasSuffix(words[0], "sh") || strings.Contains(shell, "<<") {
		return
	}
	script := strings.TrimSpace(command.Text)
	if strings.Contains(script, "\n") && !hasFlag(words[1:], "e") && !strings.Contains(script, "set -e") {
		l.warn(command, "hidden-failure", fmt.Sprintf("the shell %q goes on after a command has failed", shell), "add -e to the shell, or begin the script with set -e")
	}
}

// hasFlag tells whether a shell's options have the letter: -e, -eo, -exc.
func hasFlag(words []string, letter string) bool {
	for _, w := range words {
		if strings.HasPrefix(w, "-") && !strings.HasPrefix(w, "--") && strings.Contains(w, letter) || w == "errexit" {
			return true
		}
	}
	return false
}
