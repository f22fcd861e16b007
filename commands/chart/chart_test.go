package chart

import (
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/plan"
)

var update = flag.Bool("update", false, "write the golden files anew")

func job(name string, requires ...string) *plan.Job {
	j := &plan.Job{Name: name, Kind: plan.Docker}
	for _, r := range requires {
		name, how, _ := strings.Cut(r, ":")
		statuses := []string{"success"}
		if how != "" {
			statuses = strings.Split(how, "|")
		}
		j.Requires = append(j.Requires, plan.Require{Job: name, Statuses: statuses})
	}
	return j
}

func sample() *plan.Pipeline {
	hold := job("hold", "test")
	hold.Kind = plan.Approval
	end := job("group-end", "deploy")
	end.Kind = plan.NoOp
	test := job("test", "build")
	test.Parallelism = 4
	return &plan.Pipeline{Workflows: []*plan.Workflow{
		{Name: `build & "ship" <it>`, Jobs: []*plan.Job{
			job("build"), test, job("lint"), hold,
			job("deploy", "build", "test", "hold", "lint"), end,
			job("tell", "test:failed|canceled", "build:success|failed|canceled|unauthorized|not_run"),
			job("テスト \x1b[31m#`<b>&amp;\\\"\u202e", "build"),
		}},
		{Name: "nightly", Jobs: []*plan.Job{job("one")}},
		{Name: "empty"},
	}}
}

var formats = map[string]func(io.Writer, *plan.Pipeline) error{"mmd": Mermaid, "dot": DOT, "svg": SVG}

func TestGolden(t *testing.T) {
	for name, write := range formats {
		var b strings.Builder
		if err := write(&b, sample()); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(b.String(), "\x1b\u202e") {
			t.Errorf("%s: a name brings control characters in", name)
		}
		path := filepath.Join("testdata", "sample."+name)
		if *update {
			if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if b.String() != string(want) {
			t.Errorf("%s differs (go test -update, then look at the diff)\n%s", path, b.String())
		}
	}
}

func TestSVGIsXML(t *testing.T) {
	var b strings.Builder
	if err := SVG(&b, sample()); err != nil {
		t.Fatal(err)
	}
	d := xml.NewDecoder(strings.NewReader(b.String()))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestNothingFollowsTwice(t *testing.T) {
	w := &plan.Workflow{Jobs: []*plan.Job{
		job("a"), job("b", "a"), job("c", "a", "b"), job("d", "a", "c:failed"), job("e", "a:failed", "b"),
	}}
	var got []string
	for _, e := range newGraph(0, w).edges {
		got = append(got, w.Jobs[e.from.place].Name+w.Jobs[e.to.place].Name+e.label)
	}
	// c waits for a through b. That c failed does not say that a succeeded.
	if want := "ab bc ad cdfailed aefailed be"; strings.Join(got, " ") != want {
		t.Errorf("edges %v, want %s", got, want)
	}
}

func TestBoxesDoNotMeet(t *testing.T) {
	for _, g := range append(graphs(sample()), newGraph(0, wide(60))) {
		l := newLayout(g)
		for _, layer := range l.layers {
			for i := 1; i < len(layer); i++ {
				if layer[i].y < layer[i-1].y+layer[i-1].height() {
					t.Errorf("%s: %+v meets %+v", g.name, layer[i].node, layer[i-1].node)
				}
			}
			for _, s := range layer {
				for _, to := range s.to {
					if to.x <= s.x+s.width() {
						t.Errorf("%s: a line leads back", g.name)
					}
				}
			}
		}
	}
}

// wide makes a workflow of n jobs, each of which requires some before it.
func wide(n int) *plan.Workflow {
	w := &plan.Workflow{Name: "wide"}
	for i := range n {
		var requires []string
		for k := 1; k*k < i; k++ {
			requires = append(requires, fmt.Sprint("j", i-k*k))
		}
		w.Jobs = append(w.Jobs, job(fmt.Sprint("j", i), requires...))
	}
	return w
}

func BenchmarkSVG(b *testing.B) {
	p := &plan.Pipeline{Workflows: []*plan.Workflow{wide(2000)}}
	for b.Loop() {
		if err := SVG(io.Discard, p); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzNames(f *testing.F) {
	f.Add("build", "a\x00\xff\ufffe\U0001ffff]]>&<\"'`#;")
	f.Fuzz(func(t *testing.T, workflow, name string) {
		p := &plan.Pipeline{Workflows: []*plan.Workflow{{Name: workflow, Jobs: []*plan.Job{job("first"), {Name: name, Requires: []plan.Require{{Job: "first", Statuses: []string{name}}}}}}}}
		var svg, mermaid, dot strings.Builder
		if err := errors.Join(SVG(&svg, p), Mermaid(&mermaid, p), DOT(&dot, p)); err != nil {
			t.Fatal(err)
		}
		d := xml.NewDecoder(strings.NewReader(svg.String()))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if n := strings.Count(mermaid.String(), "\n"); n != 6 {
			t.Errorf("Mermaid has %d lines:\n%s", n, mermaid.String())
		}
		if n := strings.Count(dot.String(), "\n"); n != 11 {
			t.Errorf("DOT has %d lines:\n%s", n, dot.String())
		}
	})
}
