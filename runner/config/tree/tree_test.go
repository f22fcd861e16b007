package tree_test

import (
	"strings"
	"testing"
	"time"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

func read(t *testing.T, text string) *tree.Node {
	t.Helper()
	n, errs := tree.Read("f.yml", []byte(text))
	if len(errs) > 0 {
		t.Fatalf("read: %v", errs[0])
	}
	return n
}

func TestScalarsAreTypedByYAML11(t *testing.T) {
	for text, kind := range map[string]tree.Kind{
		"yes": tree.Bool, "Off": tree.Bool, "TRUE": tree.Bool, "y": tree.String, "'yes'": tree.String,
		"12": tree.Int, "-1_000": tree.Int, "0x1F": tree.Int, "010": tree.Int, "1.20": tree.Float, "1e3": tree.Float, ".5": tree.Float,
		"1.2.3": tree.String, "2019-01-01": tree.String, "12:30": tree.String, "~": tree.Null, "null": tree.Null,
		"'-'": tree.String, ".": tree.String, "e1": tree.String, "1e": tree.String, "!!str 12": tree.String,
	} {
		if n := read(t, "k: "+text).Get("k"); n == nil || n.Kind != kind {
			t.Errorf("%s is %v, want %v", text, n, kind)
		}
	}
}

func TestMergeKeys(t *testing.T) {
	n := read(t, `
a: &a {x: 1, y: 1}
b: &b {y: 2, z: 2}
list: &list [*a, *b]
explicit: {x: 9, <<: *a}
before: {<<: *a, x: 9}
first: {<<: [*b, *a]}
two:
  <<: *a
  <<: *b
alias: {<<: *list}
quoted: {"<<": 1}
`)
	for path, want := range map[string]string{
		"explicit.x": "9", "explicit.y": "1", "before.x": "9", "first.y": "2", "first.x": "1",
		"two.y": "1", "two.z": "2", "alias.z": "2", "alias.y": "1", "quoted.<<": "1",
	} {
		k, sub, _ := strings.Cut(path, ".")
		if got := n.Get(k).Get(sub).String(); got != want {
			t.Errorf("%s = %q, want %q", path, got, want)
		}
	}
}

func TestMistakesHaveAPlace(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"duplicate key":    {"a: 1\nb: 2\na: 3\n", `f.yml:3:1: the key "a" stands twice in this map, first at 1:1; remove or rename one of the two`},
		"merge of scalar":  {"a: &a 1\nb: {<<: *a}\n", `f.yml:2:9: the merge key << gets a whole number; `},
		"tab":              {"a:\n\tb: 1\n", "f.yml:2:1: not valid YAML: found character that cannot start any token; indent with spaces"},
		"two documents":    {"a: 1\n---\nb: 2\n", "f.yml:2:1: a second YAML document begins here"},
		"anchor in itself": {"a: &a\n  b: *a\n", "f.yml:2:6: the alias *a stands inside its own anchor"},
		"unknown anchor":   {"a: *b\n", "unknown anchor 'b' referenced"},
		"no text":          {"a: b\nc: d\x00\n", "f.yml:2:5: not valid YAML: control characters are not allowed; a config is text in UTF-8"},
		"latin 1":          {"a: b\nc: d\xe9\n", "f.yml:2:5: not valid YAML: incomplete UTF-8 octet sequence; a config is text in UTF-8"},
		"merge conflict":   {"a: 1\n<<<<<<< HEAD\nb: 2\n=======\nb: 3\n>>>>>>> x\n", "f.yml:2:1: a conflict of a merge is not resolved; keep one side"},
		"list as key":      {"? [a]\n: 1\n", "a key is a list"},
		"deep":             {strings.Repeat("[", 200) + strings.Repeat("]", 200), "nested more than 100 deep"},
	} {
		_, errs := tree.Read("f.yml", []byte(c.text))
		if len(errs) == 0 || !strings.Contains(errs[0].Error(), c.want) {
			t.Errorf("%s: got %v, want %s", name, errs, c.want)
		}
	}
}

func TestAliasBombIsRefusedQuickly(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 20; i++ {
		alias := "*a" + string(rune('a'+i-1))
		if i == 1 {
			alias = "*a0"
		}
		b.WriteString("a" + string(rune('a'+i)) + ": &a" + string(rune('a'+i)) + " [" + strings.Repeat(alias+", ", 9) + "]\n")
	}
	start := time.Now()
	_, errs := tree.Read("bomb.yml", []byte(b.String()))
	if len(errs) != 1 || !strings.Contains(errs[0].Message, "aliases counted") {
		t.Fatalf("errors: %v", errs)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestWriteReadsBackEqual(t *testing.T) {
	n := read(t, `
plain: word
tricky: ["yes", "1", "1.2", "", " x", "x ", "a: b", "a #b", "#", "-", "<<", "2020-01-01", "é", "a\u0007b", "-x", "?", "*a", "null", "y"]
block: |
  one
    two

  three
keep: |+
  x


strip: |-
  a
  b
odd: "  leading\nline"
nested: [[1, [2, {a: {b: [3]}}]], {}, [], {c: [], d: {}}]
typed: [1, 1.50, true, off, ~, 0x1F]
on: key
`)
	text := tree.Write(n)
	back, errs := tree.Read("back.yml", text)
	if len(errs) > 0 {
		t.Fatalf("%v\n%s", errs[0], text)
	}
	if !n.Equal(back) {
		t.Errorf("reads back differently:\n%s", text)
	}
}

func FuzzReadAndWrite(f *testing.F) {
	for _, seed := range []string{"a: 1", "- x\n- {a: [b, c]}", "a: &x {b: c}\nd: {<<: *x}", "a: |\n  x\n y", "? a\n: b", "\"\\u00e9\": 'x'", "a: !!str 1", "- - - a", "&a [*a]", "k: |+\n\n x\n\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		watch := time.AfterFunc(5*time.Second, func() { panic("slow: " + string(text)) })
		defer watch.Stop()
		n, errs := tree.Read("fuzz.yml", text)
		if n == nil || len(errs) > 0 {
			return
		}
		out := tree.Write(n)
		back, errs := tree.Read("back.yml", out)
		if len(errs) > 0 {
			t.Fatalf("%v\n%s", errs[0], out)
		}
		if back == nil || !n.Equal(back) {
			t.Fatalf("reads back differently:\n%s", out)
		}
	})
}
