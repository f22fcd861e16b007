package realdocker

import (
	"bufio"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	_ "github.com/mattn/go-sqlite3"

	"github.com/popsicle-ci/popsicle/testscripts/images"
)

// threeJobs is a pipeline of two jobs and one after them.
func threeJobs(image string) map[string]string {
	return map[string]string{"file": "content\n", ".popsicle/ci.yml": strings.ReplaceAll(`version: 2.1
jobs:
  one: &job
    docker: [{image: IMAGE}]
    steps:
      - checkout
      - run: i=0; while [ $i -lt 20 ]; do i=$((i+1)); echo line $i; done
      - run: cat file
  two: *job
  three: *job
workflows:
  main:
    jobs:
      - one
      - two
      - three: {requires: [one, two]}
`, "IMAGE", image)}
}

// signalAfter runs popsicle, sends it a signal at an event, and returns its
// exit code, which is negative where the signal killed it, and how many
// events there were.
func (p place) signalAfter(signal os.Signal, at func(n int, line string) bool) (code, events int) {
	p.t.Helper()
	cmd := p.command("run", "--json")
	out, err := cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	sent := false
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if events++; !sent && at(events, lines.Text()) {
			sent = true
			_ = cmd.Process.Signal(signal) // it may have ended
		}
	}
	_ = cmd.Wait() // the code is looked at
	return cmd.ProcessState.ExitCode(), events
}

// intact fails the test if SQLite finds anything wrong with the history.
func (p place) intact() {
	p.t.Helper()
	d, err := sql.Open("sqlite3", "file:"+filepath.Join(p.home, "history.db"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer d.Close()
	var verdict string
	if err := d.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		p.t.Errorf("the history: %s, %v", verdict, err)
	}
}

// TestKilledAtAnEvent kills popsicle right after some event of a run, another
// each time; one gc later nothing of it is left anywhere.
func TestKilledAtAnEvent(t *testing.T) {
	p := newPlace(t, threeJobs(images.Busybox(t)))
	_, events := p.signalAfter(os.Kill, func(int, string) bool { return false })
	want := []string{"success"}
	const kills = 12
	for i := range kills {
		at := 1 + i*(events-1)/kills + rand.IntN(max(1, events/kills))
		code, _ := p.signalAfter(os.Kill, func(n int, _ string) bool { return n == at })
		switch code {
		case -1:
			want = append(want, "interrupted")
		case 0:
			want = append(want, "success")
		default:
			t.Errorf("killed at event %d: exit code %d", at, code)
		}
	}
	p.waitFor("nothing is left of killed runs", func() bool {
		p.must(0, "gc") // a docker client that outlives popsicle may still make something
		return len(p.ours()) == 0
	})
	if got := p.statuses(); !same(got, want) {
		t.Errorf("the history says %v, want %v", got, want)
	}
	p.intact()
	p.must(0, "run")
}

// same compares statuses. A run that was killed after its end was written
// passed all the same.
func same(got, want []string) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range got {
		if got[i] != want[i] && (got[i] != "success" || want[i] != "interrupted") {
			return false
		}
	}
	return slices.Contains(got, "interrupted")
}

// TestSignals ends runs in the middle of a step, and between two jobs.
func TestSignals(t *testing.T) {
	image := images.Busybox(t)
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		for what, at := range map[string]string{"in a step": "line 3", "between two jobs": `"type":"job_finished"`} {
			t.Run(fmt.Sprint(signal, " ", what), func(t *testing.T) {
				t.Parallel()
				p := newPlace(t, threeJobs(image))
				if what == "in a step" {
					p.write(".popsicle/ci.yml", func(s string) string {
						return strings.Replace(s, "echo line $i;", "echo line $i; [ $i != 3 ] || sleep 300;", 1)
					})
				}
				seen := 0
				code, _ := p.signalAfter(signal, func(_ int, line string) bool {
					if strings.Contains(line, at) {
						seen++
					}
					return seen == 2 && strings.Contains(line, at) || what == "in a step" && seen == 1
				})
				if got := p.statuses(); code != 130 || !slices.Equal(got, []string{"canceled"}) {
					t.Errorf("exit code %d, the history says %v", code, got)
				}
				if left := p.ours(); len(left) > 0 {
					t.Errorf("left: %v", left)
				}
				p.intact()
			})
		}
	}
}

// write changes a file of the checkout.
func (p place) write(name string, change func(string) string) {
	p.t.Helper()
	file := filepath.Join(p.dir, name)
	text, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, []byte(change(string(text))), 0o644)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}
