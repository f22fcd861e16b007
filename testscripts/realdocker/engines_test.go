package realdocker

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/popsicle-ci/popsicle/testscripts/images"
)

// spread is a pipeline whose jobs go to engines by label and by load, and hand
// each other files.
const spread = `version: 2.1
jobs:
  gives:
    docker: [{image: IMAGE}]
    resource_class: tls
    steps:
      - checkout
      - run: mkdir -p kept out results; echo "from tls" | tee kept/cached out/handed; echo "made on tls" > made
      - run: |
          echo '<testsuite><testcase classname="c" name="remote" time="0.1"/></testsuite>' > results/junit.xml
      - save_cache: {key: "k-{{ .Revision }}", paths: [kept]}
      - persist_to_workspace: {root: ., paths: [out]}
      - store_artifacts: {path: made}
      - store_test_results: {path: results}
  takes:
    docker: [{image: IMAGE}]
    resource_class: acme/ssh
    steps:
      - checkout
      - restore_cache: {keys: ["k-{{ .Revision }}"]}
      - attach_workspace: {at: .}
      - run: cat kept/cached out/handed; [ ! -e made ]; find src -type f | wc -l
  any:
    parameters: {n: {type: integer}}
    docker: [{image: IMAGE}]
    steps:
      - checkout
      - run: echo "job << parameters.n >>"; i=0; while [ $i -lt 100 ]; do i=$((i+1)); done
workflows:
  main:
    jobs:
      - gives
      - takes: {requires: [gives]}
      - any: {matrix: {parameters: {n: [1, 2, 3, 4, 5, 6]}}, requires: [gives]}
`

// dying is a pipeline with a job that ends on the engine alone whose image has
// a mark.
const dying = `version: 2.1
jobs:
  warm: {docker: [{image: IMAGE}], resource_class: ssh, steps: [run: "true"]}
  long:
    docker: [{image: IMAGE}]
    resource_class: remote
    steps:
      - checkout
      - run: echo the step began; [ -e /second ] || sleep 300
workflows:
  main:
    jobs:
      - warm
      - long: {requires: [warm]}
`

// TestEngines runs pipelines on this machine's engine and on two more, one over
// TLS and one over ssh.
func TestEngines(t *testing.T) {
	slow(t)
	image := images.Busybox(t)
	far, ssh := overSSH(t)
	near, tls := overTLS(t)
	far.load(image)
	near.load(image)
	near.mark(image, "/second")
	add := func(p place) {
		t.Helper()
		p.must(0, append([]string{"runners", "add", "far", "--jobs", "2", "--label", "ssh", "--label", "remote"}, ssh...)...)
		p.must(0, append([]string{"runners", "add", "near", "--jobs", "2", "--label", "tls", "--label", "remote"}, tls...)...)
	}
	t.Run("jobs are spread", func(t *testing.T) {
		files := largeTree()
		files[".popsicle/ci.yml"] = strings.ReplaceAll(spread, "IMAGE", image)
		p := newPlace(t, files)
		add(p)
		p.spreads()
		for _, e := range []*engine{near, far} {
			if len(e.has(true)) != 1 || len(e.has(false)) != 0 {
				t.Errorf("on the engine there are %v and %v, want the base of the tree alone", e.has(true), e.has(false))
			}
		}
		// What is removed from the list is removed from the engine.
		if out := p.must(0, "runners", "rm", "near"); !strings.Contains(out, "1601 files of") || len(near.has(true)) != 0 {
			t.Errorf("runners rm: %s; left: %v", out, near.has(true))
		}
	})
	t.Run("an engine dies", func(t *testing.T) {
		p := newPlace(t, map[string]string{".popsicle/ci.yml": strings.ReplaceAll(dying, "IMAGE", image)})
		add(p)
		cmd := p.command("run", "--plain")
		var out lockedBuffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		p.waitFor("the step begins", func() bool { return strings.Contains(out.String(), "| the step began") })
		far.kill()
		killed := time.Now()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the run: %v\n%s", err, out.String())
		}
		t.Logf("the run went on to its end in %s", time.Since(killed).Round(time.Millisecond))
		for _, want := range []string{"engine far died under job long", `long\s+● started .* on far`, `long\s+● started .* on near`, "the rest of the run does without it"} {
			if !regexp.MustCompile(want).MatchString(out.String()) {
				t.Errorf("the run does not say %q:\n%s", want, out.String())
			}
		}
		if n := strings.Count(out.String(), "| the step began"); n != 2 {
			t.Errorf("the step began %d times", n)
		}
		// As long as it is down, everything else is tidied.
		if out := p.must(3, "gc", "--all"); !strings.Contains(out, "runner far (ssh://") || !strings.Contains(out, "does not answer") {
			t.Errorf("gc without the engine says\n%s", out)
		}
		if out := p.must(3, "runners", "check"); !strings.Contains(out, "✓ runner near") || !strings.Contains(out, "! runner far") {
			t.Errorf("check:\n%s", out)
		}
		far.start()
		p.must(0, "run", "warm", "--runner", "far") // it finds what the dead engine kept, beside its job
		p.must(0, "gc")
		if left := far.has(false); len(left) > 0 {
			t.Errorf("left on the engine that died: %v", left)
		}
		if got := p.statuses(); !slices.Equal(got, []string{"success", "success"}) {
			t.Errorf("the history says %v", got)
		}
	})
	t.Run("the daemon gives jobs to them", func(t *testing.T) {
		w := newWatch(t, map[string]string{".popsicle/ci.yml": strings.ReplaceAll(`version: 2.1
jobs:
  here: {docker: [{image: IMAGE}], steps: [checkout, run: "[ ! -e /second ]"]}
  there: {docker: [{image: IMAGE}], resource_class: tls, steps: [checkout, run: "[ -e /second ] && echo on near"]}
workflows: {main: {jobs: [here, there]}}
`, "IMAGE", image)})
		w.must(0, append([]string{"runners", "add", "near", "--jobs", "1", "--label", "tls"}, tls...)...)
		w.push("refs/heads/main")
		w.await("success")
		if log := w.must(0, "logs", "1"); !strings.Contains(log, "on near") {
			t.Errorf("the log:\n%s", log)
		}
		w.tells("near", tls[1])
	})
}

// spreads runs the pipeline spread, and looks at what came of it.
func (p place) spreads() {
	p.t.Helper()
	out := p.must(0, "run", "--plain")
	for _, want := range []string{`gives\s+● started .* on near`, `takes\s+● started .* on far`, `takes\s+\| 1600\n`} {
		if !regexp.MustCompile(want).MatchString(out) {
			p.t.Errorf("the run does not say %q:\n%s", want, out)
		}
	}
	if strings.Count(out, "| from tls") != 3 { // said by tee, cached, handed on
		p.t.Errorf("cache or workspace did not come over:\n%s", out)
	}
	used := map[string]bool{}
	for _, m := range regexp.MustCompile(`any-\d\s+● started .* on (\w+)`).FindAllStringSubmatch(out, -1) {
		used[m[1]] = true
	}
	if !used["local"] || !used["near"] {
		p.t.Errorf("six jobs that ask for no label ran on %v", used)
	}
	if got := p.must(0, "artifacts", "--json"); !strings.Contains(got, "made") {
		p.t.Errorf("artifacts: %s", got)
	}
	if got := p.must(0, "tests"); !strings.Contains(got, "remote") {
		p.t.Errorf("tests: %s", got)
	}
}

// tells looks whether the API knows a runner.
func (w *watch) tells(name, host string) {
	w.t.Helper()
	answer, err := http.Get(w.url + "/api/v1/runners")
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	var all struct {
		Items []struct {
			Name, Host, Arch string
			Labels           []string
			Jobs             int
			SeenAt           string `json:"seen_at"`
		}
	}
	if err := json.Unmarshal(text, &all); err != nil {
		w.t.Fatalf("%v: %s", err, text)
	}
	for _, r := range all.Items {
		if r.Name == name && r.Host == host && r.Arch != "" && r.Jobs == 1 && slices.Equal(r.Labels, []string{"tls"}) && r.SeenAt != "" {
			return
		}
	}
	w.t.Errorf("the API says of runners %s", text)
}
