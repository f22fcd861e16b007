package runner

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
	"testing/quick"

	"github.com/popsicle-ci/popsicle/runner/plan"
)

// varsOf makes variables of names and values by turns.
func varsOf(pairs ...string) []plan.Var {
	var vars []plan.Var
	for i := 0; i < len(pairs); i += 2 {
		vars = append(vars, plan.Var{Name: pairs[i], Value: pairs[i+1]})
	}
	return vars
}

// unquoted lets a shell read words.
func unquoted(t *testing.T, words ...string) []string {
	t.Helper()
	out, err := exec.Command("/bin/sh", "-c", "printf '%s\\0' "+strings.Join(words, " ")).Output()
	if err != nil {
		t.Fatalf("%q: %v", words, err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
}

func TestQuoteIsOneWordOfAShell(t *testing.T) {
	texts := []string{"", " ", "a", "it's", "'", "''", `\`, `\'`, "$x `id` $(id)", "a\nb\n", "*?[a]", "~", "#", "!x", "-n", "\x01\xff\x81", "&|;<>(){}"}
	for _, how := range []func(string) string{quote, word} {
		var words []string
		for _, s := range texts {
			words = append(words, how(s))
		}
		if got := unquoted(t, words...); !slices.Equal(got, texts) {
			t.Errorf("got %q", got)
		}
	}
	any := func(texts []string) bool {
		if len(texts) == 0 {
			return true
		}
		words := make([]string, len(texts))
		for i := range texts {
			texts[i] = strings.ReplaceAll(texts[i], "\x00", "") // no process can be given a NUL
			words[i] = quote(texts[i])
		}
		return slices.Equal(unquoted(t, words...), texts)
	}
	if err := quick.Check(any, nil); err != nil {
		t.Error(err)
	}
}

func TestWord(t *testing.T) {
	for s, want := range map[string]string{
		"":             "''",
		"plain":        "plain",
		"/a-b_c.d:1@2": "/a-b_c.d:1@2",
		"A=1,2+3%":     "A=1,2+3%",
		"two words":    "'two words'",
		"it's":         `'it'\''s'`,
		"$HOME":        "'$HOME'",
		"~/project":    "'~/project'",
		"a~":           "'a~'",
		"ž":            "'ž'",
	} {
		if got := word(s); got != want {
			t.Errorf("word of %q is %s, want %s", s, got, want)
		}
	}
}

func TestExpand(t *testing.T) {
	tests := []struct{ path, base, want string }{
		{"~", "/base", "/home/me"},
		{"~/", "/base", "/home/me"},
		{"~/project", "/base", "/home/me/project"},
		{"~other/x", "/base", "/base/~other/x"},
		{"/abs/../x/", "/base", "/x"},
		{"rel/./x", "/base", "/base/rel/x"},
		{"../up", "/base/down", "/base/up"},
		{".", "/base", "/base"},
		{"", "/base", "/base"},
	}
	for _, tt := range tests {
		if got := expand(tt.path, tt.base, "/home/me"); got != tt.want {
			t.Errorf("%q from %s: %s, want %s", tt.path, tt.base, got, tt.want)
		}
	}
}

func TestVariable(t *testing.T) {
	for name, want := range map[string]bool{"A": true, "_": true, "a_1": true, "": false, "1A": false, "A-B": false, "A B": false, "A=": false, "ž": false, "A\n": false} {
		if variable(name) != want {
			t.Errorf("variable(%q) is %v", name, !want)
		}
	}
}

func TestLayers(t *testing.T) {
	got := layers(varsOf("B", "image", "A", "image"), nil, varsOf("A", "project", "C", ""), varsOf("A", "job", "A", "job again"))
	if want := varsOf("A", "job again", "B", "image", "C", ""); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestExportsRefuseWhatNoShellCanExport(t *testing.T) {
	text, refused := exports(varsOf("GOOD", "it's", "npm.config", "x", "1ST", "", "_x", "1\n2"))
	if text != "command export GOOD='it'\\''s'\ncommand export _x='1\n2'\n" || !slices.Equal(refused, []string{"npm.config", "1ST"}) {
		t.Errorf("got %q, refused %q", text, refused)
	}
}
