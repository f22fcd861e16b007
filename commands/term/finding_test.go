package term

import (
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/commands/finding"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

func findings() []finding.Finding {
	at := func(line, column int) plan.Pos {
		return plan.Pos{File: ".popsicle/ci.yml", Line: line, Column: column}
	}
	return []finding.Finding{
		{Severity: finding.Error, Pos: at(5, 5), Message: `jobs.build has no key "stepps"`, Hint: `did you mean "steps"?`, Source: "    stepps: # a\x1b[31m b"},
		{Severity: finding.Error, Pos: at(12, 9), Message: "twice", Related: at(3, 1), Source: "  - 日本: \"a b\" # wide"},
		{Severity: finding.Error, Pos: plan.Pos{File: "gone.yml"}, Message: "the file is empty", Hint: "begin with version: 2.1"},
		{Severity: finding.Warning, Code: "unused-job", Pos: at(123456, 4), Message: "the job is never used", Source: "\t  [one, two]"},
		{Severity: finding.Note, Code: "resource_class", Pos: at(7, 300), Message: "ignored", Source: strings.Repeat("x", 280) + "  # end, far " + strings.Repeat("y", 280)},
		{Severity: finding.Error, Pos: at(8, 99), Message: "the column is past the end", Source: "short"},
	}
}

func TestFindings(t *testing.T) {
	for name, theme := range map[string]Theme{
		"findings.txt":       {Unicode: true},
		"findings-color.txt": {Unicode: true, Color: true},
		"findings-40.txt":    {Size: sized(40, 20)},
	} {
		var b strings.Builder
		if err := Findings(&b, findings(), theme); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), "\x1b[31m b") {
			t.Error("a config can send the terminal escape sequences")
		}
		golden(t, name, b.String())
	}
}

func FuzzFindings(f *testing.F) {
	for _, x := range findings() {
		f.Add(x.Message, x.Source, x.Pos.Line, x.Pos.Column, 80)
	}
	f.Add("m", "\xff\u202e日本\x9b[31m 'open", 1, 3, 21)
	f.Fuzz(func(t *testing.T, message, source string, line, column, columns int) {
		columns = 20 + (columns&0x7fffffff)%200
		source, _, _ = strings.Cut(source, "\n")
		var b strings.Builder
		list := []finding.Finding{{Severity: finding.Error, Pos: plan.Pos{File: message, Line: line, Column: column}, Message: message, Hint: message, Source: source}}
		if err := Findings(&b, list, Theme{Size: sized(columns, 20)}); err != nil {
			t.Fatal(err)
		}
		for i, l := range strings.Split(b.String(), "\n") {
			if strings.ContainsFunc(l, harmful) {
				t.Errorf("line %d holds control characters: %q", i, l)
			}
			if strings.Contains(l, "^^^") && strings.Trim(l, " |^") == "" && width(l) > max(columns, 30)+20 {
				t.Errorf("the caret is beyond the terminal's %d columns: %q", columns, l)
			}
		}
	})
}
