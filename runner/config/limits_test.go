package config_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/popsicle-ci/popsicle/runner/config"
)

// TestHostileConfigsEndQuickly compiles small files that would grow without end.
func TestHostileConfigsEndQuickly(t *testing.T) {
	job := "jobs: {build: {docker: [{image: i}], steps: [c0]}}\n"
	doubling := func(steps, last string) string {
		var b strings.Builder
		b.WriteString("version: 2.1\n" + job + "commands:\n")
		for i := range 60 {
			fmt.Fprintf(&b, "  c%d: {parameters: {p: {type: string, default: x}, s: {type: steps, default: [checkout]}}, steps: %s}\n", i, strings.ReplaceAll(steps, "NEXT", fmt.Sprintf("c%d", i+1)))
		}
		b.WriteString("  c60: {parameters: {p: {type: string, default: x}, s: {type: steps, default: []}}, steps: " + last + "}\n")
		return b.String()
	}
	var evil strings.Builder
	for i := range 100 {
		fmt.Fprintf(&evil, "{a: {name: a%d, filters: {branches: {only: '/(?=a)(a|b|ab|a%d?)*c/'}}}},", i, i)
	}
	var strange, requires strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&strange, "{x%d: {name: y%d}},\n", i, i)
		fmt.Fprintf(&requires, "{a: {name: x%d, requires: [y%d]}},\n", i, i)
	}
	for name, c := range map[string]struct{ text, want string }{
		"calls":            {doubling("[NEXT, NEXT]", "[]"), "the steps expand to more than 200000"},
		"steps":            {doubling("[{NEXT: {s: [{steps: << parameters.s >>}, {steps: << parameters.s >>}]}}]", "[{steps: << parameters.s >>}]"), "the steps expand to more than 200000"},
		"text":             {doubling(`[{NEXT: {p: "<< parameters.p >><< parameters.p >>"}}]`, "[{run: << parameters.p >>}]"), "the text grows past"},
		"depth":            {"version: 2.1\na: " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000), "nested more than 100 deep"},
		"matrix":           {"version: 2.1\njobs: {a: {docker: [{image: i}], steps: [checkout]}}\nworkflows: {w: {jobs: [{a: {matrix: {parameters: {x: [" + strings.Repeat("1,", 101) + "], y: [" + strings.Repeat("1,", 101) + "]}}}}]}}", "the matrix makes more than 10000 jobs"},
		"template":         {"version: 2.1\n" + job + "commands: {c0: {steps: [{run: \"" + strings.Repeat("<<# a >>", 200) + "\"}]}}", "sections are nested more than 100 deep"},
		"size":             {"version: 2.1\n# " + strings.Repeat("x", 17<<20), "the limit is 16777216"},
		"unknown jobs":     {"version: 2.1\njobs: {a: {docker: [{image: i}], steps: [checkout]}}\nworkflows: {w: {jobs: [" + strange.String() + "]}}", `there is no job "x0"`},
		"unknown requires": {"version: 2.1\njobs: {a: {docker: [{image: i}], steps: [checkout]}}\nworkflows: {w: {jobs: [" + requires.String() + "]}}", `requires "y0"`},
		"patterns":         {"version: 2.1\njobs: {a: {docker: [{image: i}], steps: [checkout]}}\nworkflows: {w: {jobs: [" + evil.String() + "]}}", ""},
		"pattern":          {"version: 2.1\njobs: {a: {docker: [{image: i}], steps: [checkout]}}\nworkflows: {w: {jobs: [{a: {filters: {branches: {only: '/(?=a)(a+)+b/'}}}}]}}", ""},
	} {
		start := time.Now()
		_, err := config.Compile([]config.Source{{Path: "x.yml", Text: []byte(c.text)}}, config.Options{Branch: strings.Repeat("a", 200)})
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%s took %v", name, took)
		}
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
		if err != nil && len(err.Error()) > 100_000 {
			t.Errorf("%s: the error has %d bytes", name, len(err.Error()))
		}
	}
}
