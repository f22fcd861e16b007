package finding

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/plan"
)

var sample = []Finding{
	{Severity: Error, Pos: plan.Pos{File: "a b/ci,1.yml", Line: 5, Column: 7}, Message: "no key \"stepps\":\n100 %", Hint: "did you mean <steps>?",
		Related: plan.Pos{File: "ci.yml", Line: 2, Column: 1}, Source: "    stepps:"},
	{Severity: Warning, Code: "unused-job", Pos: plan.Pos{File: "ci.yml", Line: 3, Column: 3}, Message: "the job is never used"},
	{Severity: Note, Code: "resource_class", Pos: plan.Pos{File: "ci.yml"}, Message: "ignored"},
}

func TestGitHub(t *testing.T) {
	var b bytes.Buffer
	if err := GitHub(&b, sample); err != nil {
		t.Fatal(err)
	}
	want := `::error file=a b/ci%2C1.yml,line=5,col=7,title=popsicle%3A config-error::no key "stepps":%0A100 %25; did you mean <steps>?
::warning file=ci.yml,line=3,col=3,title=popsicle%3A unused-job::the job is never used
::notice file=ci.yml,title=popsicle%3A resource_class::ignored
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestJSON(t *testing.T) {
	var b bytes.Buffer
	if err := JSON(&b, []File{{Path: "ci.yml", Jobs: 2, Workflows: 1}}, sample); err != nil {
		t.Fatal(err)
	}
	want := `{"schema":1,"valid":false,"files":[{"path":"ci.yml","valid":false,"workflows":1,"jobs":2}],"findings":[` +
		`{"severity":"error","file":"a b/ci,1.yml","line":5,"column":7,"message":"no key \"stepps\":\n100 %","hint":"did you mean <steps>?","related":{"file":"ci.yml","line":2,"column":1},"source":"    stepps:"},` +
		`{"severity":"warning","code":"unused-job","file":"ci.yml","line":3,"column":3,"message":"the job is never used"},` +
		`{"severity":"note","code":"resource_class","file":"ci.yml","message":"ignored"}]}` + "\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	b.Reset()
	if err := JSON(&b, nil, sample[1:]); err != nil || !strings.Contains(b.String(), `"valid":true`) {
		t.Errorf("warnings make it invalid: %s %v", b.String(), err)
	}
}

func TestSARIF(t *testing.T) {
	var b bytes.Buffer
	if err := SARIF(&b, "1.2.3", append(sample, sample[1])); err != nil {
		t.Fatal(err)
	}
	var log struct {
		Version string
		Runs    []struct {
			ColumnKind string
			Tool       struct {
				Driver struct{ Rules []struct{ ID string } }
			}
			Results []struct {
				RuleID           string
				RuleIndex        int
				Level            string
				Message          struct{ Text string }
				Locations        []physical
				RelatedLocations []physical
			}
		}
	}
	if err := json.Unmarshal(b.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if log.Version != "2.1.0" || run.ColumnKind != "unicodeCodePoints" || len(run.Tool.Driver.Rules) != 3 || len(run.Results) != 4 {
		t.Fatalf("log: %+v", log)
	}
	first := run.Results[0]
	if at := first.Locations[0].PhysicalLocation; at.ArtifactLocation.URI != "a%20b/ci,1.yml" || at.Region.StartLine != 5 || at.Region.StartColumn != 7 {
		t.Errorf("location: %+v", at)
	}
	if first.Level != "error" || first.RuleID != "config-error" || len(first.RelatedLocations) != 1 || !strings.HasSuffix(first.Message.Text, "did you mean <steps>?") {
		t.Errorf("result: %+v", first)
	}
	for _, r := range run.Results {
		if run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID {
			t.Errorf("rule %d is not %s", r.RuleIndex, r.RuleID)
		}
	}
	if run.Results[2].Locations[0].PhysicalLocation.Region.StartLine != 0 {
		t.Error("a finding of a whole file has a region")
	}
}

type physical struct {
	PhysicalLocation struct {
		ArtifactLocation struct{ URI string }
		Region           struct{ StartLine, StartColumn int }
	}
}
