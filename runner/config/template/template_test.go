package template_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/config/template"
)

type list struct{}

var values = map[string]any{
	"parameters.name": "x", "parameters.n": int64(3), "parameters.zero": int64(0), "parameters.yes": true, "parameters.no": false,
	"parameters.empty": "", "parameters.null": nil, "parameters.list": list{}, "pipeline.number": int64(7), "parameters.a:b": "colon",
}

func lookup(name string) (any, error) {
	v, ok := values[name]
	if !ok {
		return nil, fmt.Errorf("no %s", name)
	}
	return v, nil
}

func TestEval(t *testing.T) {
	for text, want := range map[string]any{
		"":                                       "",
		"plain > and >> and <":                   "plain > and >> and <",
		"<<parameters.name>>":                    "x",
		"<< parameters.n >>":                     int64(3),
		"<< parameters.yes >>":                   true,
		"<< parameters.list >>":                  list{},
		"<< parameters.null >>":                  nil,
		" << parameters.n >>":                    " 3",
		"<< parameters.n >><< parameters.yes >>": "3true",
		"[<< parameters.null >>]":                "[]",
		`<< pipeline.number > 5 and "big" or "small" >>`: "big",
		`a \<< b >>`:           "a << b >>",
		`\\<< parameters.n >>`: `\3`,
		`\<<parameters.n>>`:    "<<parameters.n>>",
		"<<# parameters.yes >>a<</ parameters.yes >>":                                                           "a",
		"<<#parameters.no>>a<</parameters.no>>b":                                                                "b",
		"<<^ parameters.no >>a<</ parameters.no >>":                                                             "a",
		"<<# parameters.zero >>a<</ parameters.zero >>":                                                         "",
		"<<# parameters.empty >>a<</ parameters.empty >>":                                                       "",
		"<<# parameters.list >>a<</ parameters.list >>":                                                         "a",
		"<<# parameters.yes >><< parameters.n >><<# parameters.no >>x<</ parameters.no >><</ parameters.yes >>": "3",
		"<< parameters.a:b >>":                                                                                  "colon",
	} {
		tpl, err := template.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got, err := tpl.Eval(lookup)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %#v (%v), want %#v", text, got, err, want)
		}
	}
}

func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"cat <<EOF":         "<< is not closed by >>",
		"1 << 2":            "<< is not closed by >>",
		"<<>>":              "an expression is missing after <<",
		"<< >>":             "a value is expected instead of the end",
		"<<a <<b>>":         "<< is not closed by >>",
		"<<# a >>x":         "the section <<# a >> is not closed",
		"<<# a >>x<</ b >>": "closes a section that is not open",
		"x<</ a >>":         "closes a section that is not open",
		"<<# >>x<</ >>":     "a section has no valid name",
		"<<# a b >>x":       "a section has no valid name",
		"<<# a":             "not closed by >>",
		"<< a b >>":         "complete before",
		"<< = >>":           "equality is ==",
		"<<include(x.sh)>>": "complete before",
		"<< " + strings.Repeat("a", 2100) + " >>": "it may have 2048",
	} {
		_, err := template.Parse(text)
		var got *template.Error
		if !errors.As(err, &got) || !strings.Contains(got.Message+"; "+got.Hint, want) {
			t.Errorf("%.30s: got %v, want %q", text, err, want)
		}
	}
}

func TestEvalMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"<< parameters.gone >>":        "no parameters.gone",
		"x << parameters.gone or 1 >>": "no parameters.gone",
		"x << parameters.list >>":      "a list or a map inside a text",
		"<<# gone >>x<</ gone >>":      "no gone",
		`<< parameters.name > 1 >>`:    "needs numbers",
	} {
		tpl, err := template.Parse(text)
		if err == nil {
			_, err = tpl.Eval(lookup)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

func TestUses(t *testing.T) {
	tpl, err := template.Parse("<<# a.b >><< c >><</ a.b >> << d and e >>")
	want := []template.Use{{Name: "a.b", At: 0}, {Name: "c", At: 10}, {Name: "d", At: 28}, {Name: "e", At: 28}}
	if err != nil || !reflect.DeepEqual(tpl.Uses(), want) || tpl.Only() != "" || tpl.OnlyName() != "" {
		t.Errorf("uses %v, %v", tpl.Uses(), err)
	}
	if tpl, _ = template.Parse("<< parameters.x >>"); tpl.OnlyName() != "parameters.x" {
		t.Errorf("only name %q", tpl.OnlyName())
	}
}

func TestMistakesKnowTheirPlace(t *testing.T) {
	for text, at := range map[string]int{
		"a\nb << c": 4, `\<< \\<< = >>`: 6, "x << gone >>": 2, "<<# parameters.yes >>xx<< gone >><</ parameters.yes >>": 23,
		"ab <<# a >>x": 3, "ab << parameters.list >>": 3, "a >> b <</ c >>": 7, "<< parameters.n >> <<>>": 19,
	} {
		tpl, err := template.Parse(text)
		if err == nil {
			_, err = tpl.Eval(lookup)
		}
		var e *template.Error
		if !errors.As(err, &e) || e.At != at {
			t.Errorf("%q: %+v, want it at %d", text, err, at)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"a << b >> c", "<<# a >>x<</ a >>", `\<<`, `\\<<a>>`, "<<^a>><<#b>><</b>><</a>>", "<<<<>>>>", "<</", ">><<#"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tpl, err := template.Parse(text)
		if err != nil {
			return
		}
		v, err := tpl.Eval(func(string) (any, error) { return "v", nil })
		if err == nil && !strings.Contains(text, "<<") && v != text {
			t.Errorf("%q became %q", text, v)
		}
	})
}
