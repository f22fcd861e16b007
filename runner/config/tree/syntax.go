package tree

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/popsicle-ci/popsicle/runner/plan"
	"gopkg.in/yaml.v3"
)

// syntax reports what the YAML parser said. It says too little of the place:
// often the line where the map around the mistake begins, or none.
func (r *reader) syntax(text []byte, err error) {
	message := plainMessage(err)
	hint := "see that indentation, quotes and colons are right here and on the line before"
	switch {
	case bytes.HasPrefix(text, []byte("<<<<<<< ")), bytes.Contains(text, []byte("\n<<<<<<< ")):
		r.fail(r.placeOf(text, "<<<<<<< "), "a conflict of a merge is not resolved", "keep one side, and remove the lines <<<<<<<, ======= and >>>>>>>")
		return
	case strings.Contains(message, "control characters"), strings.Contains(message, "UTF-8"):
		hint = "a config is text in UTF-8: remove what is none, or save the file in that encoding"
	case strings.Contains(message, "cannot start any token"):
		hint = "indent with spaces, not with tabs; quote a value that begins with @, % or `"
	case strings.Contains(message, "mapping values are not allowed"):
		hint = "quote a value that holds \": \", or mend the indentation"
	case strings.Contains(message, "unknown anchor"):
		hint = "an anchor (&name) must be defined above the alias (*name)"
	case strings.Contains(message, "unexpected end of stream"):
		hint = "close the quote that is opened here"
	case strings.Contains(message, "did not find expected ',' or"):
		hint = "close the bracket that is opened here, or separate its entries by commas"
	}
	line, column := locate(text, message)
	r.fail(plan.Pos{File: r.file, Line: line, Column: column}, "not valid YAML: "+message, hint)
}

// placeOf is where a line begins in a certain way.
func (r *reader) placeOf(text []byte, begin string) plan.Pos {
	at := 0
	if !bytes.HasPrefix(text, []byte(begin)) {
		at = bytes.Index(text, []byte("\n"+begin)) + 1
	}
	return plan.Pos{File: r.file, Line: bytes.Count(text[:at], []byte("\n")) + 1, Column: 1}
}

// plainMessage is an error of the YAML parser without its line.
func plainMessage(err error) string {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	return regexp.MustCompile(`^line \d+: `).ReplaceAllString(message, "")
}

// maxLocated bounds the files in which a mistake is looked for by parsing.
const maxLocated = 1 << 20

// locate finds the place of a mistake: the line with which the file begins to
// be wrong in this way, and the likeliest column in it.
func locate(text []byte, message string) (line, column int) {
	lines := bytes.SplitAfter(text, []byte("\n"))
	if len(text) > maxLocated {
		return 1, 1
	}
	wrong := func(n int) bool {
		var doc yaml.Node
		err := yaml.Unmarshal(bytes.Join(lines[:n], nil), &doc)
		return err != nil && plainMessage(err) == message
	}
	counts := make([]int, len(lines))
	for i := range counts {
		counts[i] = i + 1
	}
	at, _ := slices.BinarySearchFunc(counts, true, func(n int, _ bool) int {
		if wrong(n) {
			return 1 // at this line or before
		}
		return -1
	})
	at = min(at, len(lines)-1)
	return at + 1, columnOf(string(lines[at]), message)
}

// columnOf guesses which letter of a line the parser stumbled over.
func columnOf(line, message string) int {
	body := strings.TrimLeft(line, " ")
	indent := len(line) - len(body)
	switch {
	case strings.Contains(message, "mapping values are not allowed"):
		if first, rest, ok := strings.Cut(body, ": "); ok {
			if i := strings.Index(rest, ":"); i >= 0 {
				return indent + len(first) + 2 + i + 1
			}
			return indent + len(first) + 1
		}
	case strings.Contains(message, "cannot start any token"):
		if i := strings.IndexAny(body, "\t@`%"); i >= 0 {
			return indent + i + 1
		}
	case strings.Contains(message, "control characters"), strings.Contains(message, "UTF-8"):
		return notText(line) + 1
	case strings.Contains(message, "unknown anchor"):
		if i := strings.IndexByte(body, '*'); i >= 0 {
			return indent + i + 1
		}
	}
	return indent + 1
}

// notText is where a line has the first byte that is no text.
func notText(line string) int {
	for i, c := range line {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0x7f || c == utf8.RuneError {
			return i
		}
	}
	return 0
}
