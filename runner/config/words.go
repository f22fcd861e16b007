package config

import (
	"fmt"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// commandLine is a command line that is written as one, or as a list of its
// words, which are quoted where they hold spaces.
func commandLine(n *tree.Node) string {
	if !n.Is(tree.List) {
		return n.String()
	}
	words := make([]string, len(n.Items))
	for i, item := range n.Items {
		words[i] = item.String()
		if words[i] == "" || strings.ContainsAny(words[i], " \t\n\"\\'") {
			words[i] = "'" + strings.ReplaceAll(words[i], "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

// split cuts a command line into words: quotes hold words together, a
// backslash takes the next letter as it is. Nothing is expanded.
func split(s string) ([]string, error) {
	var words []string
	var word strings.Builder
	quote, inWord := byte(0), false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && quote != '\'' && i+1 < len(s):
			i++
			word.WriteByte(s[i])
			inWord = true
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteByte(c)
		case c == '\'' || c == '"':
			quote, inWord = c, true
		case c == ' ' || c == '\t' || c == '\n':
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("the command line %q has an open quote", s)
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}
