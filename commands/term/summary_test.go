package term

import (
	"bytes"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/plan"
)

func TestSummaryGolden(t *testing.T) {
	skipped := &plan.Pipeline{Workflows: []*plan.Workflow{{Name: "build_and_test", Skipped: []plan.Skipped{
		{Job: "docs", Reason: "branch main is not matched by filters.branches.only: gh-pages"}}}}}
	for name, theme := range map[string]Theme{
		"summary.txt":       {Unicode: true},
		"summary-color.txt": {Unicode: true, Color: true, Size: sized(80, 24)},
		"summary-40.txt":    {Size: sized(40, 24)},
	} {
		var b bytes.Buffer
		s := NewSummary(&b, theme)
		s.Plan = skipped
		failing(newScript(s))
		golden(t, name, b.String())
	}
}
