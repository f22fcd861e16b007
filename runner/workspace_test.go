package runner

import (
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// flow runs jobs that require each other, one after the other, and returns
// how the last of them ended.
func (r *rig) flow(jobs ...*plan.Job) Outcome {
	r.t.Helper()
	run := r.runner()
	run.Plan([]*plan.Workflow{{Name: "w", Jobs: jobs}})
	var o Outcome
	for i, j := range jobs {
		o = run.RunJob(r.t.Context(), event.At{Pipeline: 7, Workflow: "w", Job: j.Name, JobID: i + 1}, j)
		if i < len(jobs)-1 {
			r.must(r.t, o)
			r.events = nil
		}
	}
	run.Close(r.t.Context())
	return o
}

func named(name string, j *plan.Job, requires ...string) *plan.Job {
	j.Name = name
	for _, one := range requires {
		j.Requires = append(j.Requires, plan.Require{Job: one, Statuses: []string{"success"}})
	}
	return j
}

func TestWorkspaceAcrossImages(t *testing.T) {
	images := stashImages(t)
	r := newRig(t, nil)
	for from, image := range images {
		to := map[string]string{"busybox": "cimg", "debian": "no tar", "cimg": "debian", "no tar": "busybox"}[from]
		r.shelf.layers = nil
		o := r.flow(
			named("make", jobOn(image, `mkdir -p out/bin out/.hidden out/lib/a out/lib/b; echo x >out/bin/tool; chmod 755 out/bin/tool; ln -s tool out/bin/alias
echo h >out/.hidden/h; echo 1 >out/lib/a/x.jar; echo 2 >out/lib/b/y.jar; echo 3 >out/lib/b/z.txt; echo no >out/left`,
				plan.PersistToWorkspace{Root: "out", Paths: []string{"bin", ".h*", "lib/*/*.jar", "bin/tool"}})),
			named("more", jobOn(image, plan.AttachWorkspace{At: "out"}, "echo changed >out/bin/tool", plan.PersistToWorkspace{Root: "out", Paths: []string{"bin/tool"}}), "make"),
			named("aside", jobOn(image, "mkdir out; echo aside >out/aside", plan.PersistToWorkspace{Root: "out", Paths: []string{"."}})),
			named("use", jobOn(images[to], plan.AttachWorkspace{At: "~/ws"}, `cd ~/ws && find . | sort
[ "$(cat bin/tool)" = changed ] && [ -x bin/tool ] && [ "$(readlink bin/alias)" = tool ] && [ "$(cat .hidden/h lib/a/x.jar lib/b/y.jar)" = "$(echo h; echo 1; echo 2)" ]
! [ -e lib/b/z.txt ] && ! [ -e left ] && ! [ -e aside ]
[ -O bin ] && [ -O lib ] && [ -O lib/a ] && [ -O bin/tool ]`), "more"))
		if o.Status != event.Success {
			t.Errorf("%s to %s: %s\n%s\n%s", from, to, o.Reason, r.said(2), r.said(3))
		}
		if said := r.said(2); !strings.Contains(said, "Layer of job make: 5 files") || !strings.Contains(said, "Attached 6 files, ") {
			t.Errorf("%q", said)
		}
	}
}

func TestWorkspaceMistakes(t *testing.T) {
	r := newRig(t, nil)
	busybox := "popsicle-test/busybox"
	write := "mkdir -p d; echo x >d/same; echo x >d/other"
	persist := plan.PersistToWorkspace{Root: ".", Paths: []string{"d"}}
	attach := plan.AttachWorkspace{At: "ws"}
	o := r.flow(named("a", jobOn(busybox, write, persist)), named("b", jobOn(busybox, write+"; rm d/other", persist)), named("c", jobOn(busybox, attach), "a", "b"))
	if want := "Concurrent upstream jobs persisted the same file(s):\n  d/same (jobs a and b)\n"; o.Status != event.Failed || !strings.Contains(r.said(2), want) {
		t.Errorf("%s: %q, not %q", o.Status, r.said(2), want)
	}
	o = r.flow(named("alone", jobOn(busybox, attach)))
	if o.Status != event.Success || !strings.Contains(r.said(2), "the workspace is empty") {
		t.Errorf("%s: %q", o.Status, r.said(2))
	}
	for path, want := range map[string]string{
		"../x": "path ../x leads out of the root", "/etc": "path /etc leads out of the root",
		"none": "did not match any files in /root/project", "n*/x": "did not match any files in /root/project", "[": "path [ is no pattern",
	} {
		o := r.flow(named("a", jobOn(busybox, plan.PersistToWorkspace{Root: ".", Paths: []string{path}})))
		if o.Status != event.Failed || !strings.Contains(r.said(2), want) {
			t.Errorf("%s: %s, %q", path, o.Status, r.said(2))
		}
	}
}

// A folder with more names than fit on a command line.
func TestWorkspaceOfMany(t *testing.T) {
	r := newRig(t, nil)
	for _, image := range []string{"popsicle-test/busybox", "popsicle-test/debian"} {
		r.shelf.layers = nil
		r.must(t, r.flow(
			named("a", jobOn(image, "mkdir d; cd d; i=0; while [ $i -lt 4000 ]; do echo $i >a-file-with-a-long-enough-name-$i; i=$((i+1)); done; echo >not-this",
				plan.PersistToWorkspace{Root: "d", Paths: []string{"a-*"}})),
			named("b", jobOn(image, plan.AttachWorkspace{At: "ws"}, "[ $(ls ws | wc -l) = 4000 ] && [ $(cat ws/*-3999) = 3999 ]"), "a")))
	}
}
