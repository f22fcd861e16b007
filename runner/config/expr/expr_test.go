package expr_test

import (
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/config/expr"
)

// cases reads a table whose columns stand between " ; ".
func cases(t *testing.T, file string, columns int) [][]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "# ") {
			continue
		}
		fields := strings.Split(line, " ; ")
		if len(fields) != columns {
			t.Fatalf("%s: %q has %d columns", file, line, len(fields))
		}
		all = append(all, fields)
	}
	return all
}

// variables makes a lookup of a JSON object.
func variables(t *testing.T, text string) func(string) (any, bool) {
	t.Helper()
	var values map[string]any
	if err := json.Unmarshal([]byte(text), &values); err != nil {
		t.Fatal(err)
	}
	return func(name string) (any, bool) {
		v, have := values[name]
		if f, number := v.(float64); number {
			v = int64(f)
		}
		return v, have
	}
}

func eval(text string, lookup func(string) (any, bool)) (any, error) {
	e, err := expr.Parse(text)
	if err != nil {
		return nil, err
	}
	return e.Eval(lookup)
}

func TestValues(t *testing.T) {
	for _, c := range cases(t, "testdata/values.txt", 3) {
		var want any
		if err := json.Unmarshal([]byte(c[2]), &want); err != nil {
			t.Fatal(err)
		}
		if f, number := want.(float64); number {
			want = int64(f)
		}
		got, err := eval(c[0], variables(t, c[1]))
		if p, isPattern := got.(*expr.Pattern); isPattern {
			got = map[string]any{"pattern": p.Text}
		}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s with %s is %v (%v), want %v", c[0], c[1], got, err, want)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, c := range cases(t, "testdata/errors.txt", 6) {
		_, err := eval(c[0], variables(t, c[1]))
		var got *expr.Error
		if !errors.As(err, &got) {
			t.Errorf("%s: got %v, want %s", c[0], err, c[2])
			continue
		}
		lexeme, _ := json.Marshal(got.Lexeme)
		want := strings.Join(c[2:], " ")
		found := strings.Join([]string{got.Type, token(got.Token), "", strconv.Itoa(got.Pos)}, " ")
		if strings.Join([]string{c[2], c[3], "", c[5]}, " ") != found || !sameJSON(string(lexeme), c[4]) {
			t.Errorf("%s: got %s %s, want %s", c[0], found, lexeme, want)
		}
	}
}

func token(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func sameJSON(a, b string) bool {
	var x, y string
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && x == y
}

func TestPatternsHaveALimitInCharacters(t *testing.T) {
	for text, want := range map[string]string{
		"/" + strings.Repeat("x", 257) + "/": "Scanner/PATTERN_TOO_LONG",
		"/" + strings.Repeat("é", 257) + "/": "Scanner/PATTERN_TOO_LONG",
		"/" + strings.Repeat("é", 256) + "/": "",
		"foo matches /(?i)bar \u1c80/":       "Scanner/INVALID_PATTERN_CHARACTER",
		";":                                  "Scanner/UNEXPECTED_CHARACTER",
		"#":                                  "Scanner/UNEXPECTED_CHARACTER",
	} {
		_, err := expr.Parse(text)
		var got *expr.Error
		if errors.As(err, &got) != (want != "") || got != nil && got.Type != want {
			t.Errorf("%.20q: got %v, want %q", text, err, want)
		}
	}
}

func TestPatternsMatchAsAWhole(t *testing.T) {
	for pattern, inputs := range map[string]map[string]bool{
		"":            {"": true, "a": false},
		"a|ab":        {"a": true, "ab": true, "b": false},
		"a??":         {"": true, "a": true},
		"x{2,3}":      {"xx": true, "xxx": true, "xxxx": false},
		"x{,3}":       {"x{,3}": true, "xxx": false},
		"(?m)^a$\nb":  {"a\nb": true},
		".":           {"a": true, "\n": false, "\r": true, "é": true},
		"(?s).":       {"\n": true},
		"(?i)ab":      {"AB": true, "aBc": false},
		`\Aab\z`:      {"ab": true},
		`\bfoo\b`:     {"foo": true},
		`\0`:          {"\x00": true},
		`\101`:        {"A": true},
		"[[:alpha:]]": {"a": true, "1": false},
		`\pL+`:        {"aé": true, "1": false},
	} {
		p, err := expr.NewPattern(pattern)
		if err != nil {
			t.Errorf("%q: %v", pattern, err)
			continue
		}
		for input, want := range inputs {
			if p.Match(input) != want {
				t.Errorf("%q on %q is %v", pattern, input, !want)
			}
		}
	}
	for _, bad := range []string{"*", "a**", "x{1001}", "x{2,1}", `\Z`, `\1`, "(", "a)", "(?=a)", "[b-a]"} {
		if _, err := expr.NewPattern(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestNames(t *testing.T) {
	e, err := expr.Parse(`a.b == "x" and (not c or a.b)`)
	if err != nil || !reflect.DeepEqual(e.Names(), []string{"a.b", "c", "a.b"}) || e.Name() != "" {
		t.Errorf("names %v, name %q, error %v", e.Names(), e.Name(), err)
	}
	if e, err = expr.Parse(" pipeline.number "); err != nil || e.Name() != "pipeline.number" {
		t.Errorf("name %q, error %v", e.Name(), err)
	}
}

func FuzzEval(f *testing.F) {
	for _, s := range []string{`a == "x" and not b or 12`, `a matches /x\/y/`, `((a))`, `"\"\\"`, `a starts-with b contains c`, `!!!a >= 1 <= 2`, `foo..bar`, `=`, `/(/`} {
		f.Add(s)
	}
	values := []any{nil, true, false, int64(3), "x", ""}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := expr.Parse(text)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without words")
			}
			return
		}
		i := 0
		v, err := e.Eval(func(string) (any, bool) { i++; return values[i%len(values)], i%7 != 0 })
		if err == nil {
			expr.Truth(v)
		}
	})
}
