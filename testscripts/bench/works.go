package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// works lists what is measured. The bars are those of the project's goals.
func (b *Bench) works() []Work {
	return []Work{b.tiny(), b.steps(), b.fan(), b.chatty(), b.first(), b.again(), b.wide(), b.cancel(), b.start()}
}

// by returns a case of hand-written commands in a repository.
func (b *Bench) by(dir, label, command string) Case {
	return Case{Label: label, Dir: filepath.Join(b.Dir, dir), Command: "set -e; " + command}
}

// floor returns such a case that the others are compared with.
func (b *Bench) floor(dir, label, command string) Case {
	c := b.by(dir, label, command)
	c.Floor = true
	return c
}

// others returns the peers on PATH as cases.
func (b *Bench) others(dir string) []Case {
	if !b.Peers {
		return nil
	}
	var cases []Case
	for _, p := range []struct{ program, arguments string }{
		{"act", "push -P ubuntu-latest=" + image + " --pull=false"},
		{"woodpecker-cli", "exec --backend-engine docker .woodpecker.yml"},
	} {
		if _, err := exec.LookPath(p.program); err == nil {
			cases = append(cases, Case{Label: p.program, Dir: filepath.Join(b.Dir, dir), Command: "exec " + p.program + " " + p.arguments})
		}
	}
	return cases
}

// all puts the cases of one work together, popsicle's with its bar first.
func (b *Bench) all(dir string, bar float64, cases ...Case) []Case {
	p := b.popsicleIn(dir, "run")
	p.Bar = bar
	return append(append(cases, p), b.others(dir)...)
}

func (b *Bench) tiny() Work {
	return Work{Name: "W1", About: "one job, one step, a small repository", Cases: b.all("tiny", 1.10,
		b.floor("tiny", "docker run", "exec docker run --rm "+image+" true"),
		b.by("tiny", "docker run, tree piped in", "git ls-files | tar cf - -T - | docker run -i --rm -w /w "+image+" sh -e -c 'tar xf -; true'"),
	)}
}

func (b *Bench) steps() Work {
	twenty := strings.Repeat("true; ", 20)
	return Work{Name: "W2", About: "one job, twenty steps", Cases: b.all("steps", 1.15,
		b.floor("steps", "docker run, one sh -c", "exec docker run --rm "+image+" sh -e -c '"+twenty+"'"),
		b.by("steps", "docker run, tree piped in", "git ls-files | tar cf - -T - | docker run -i --rm -w /w "+image+" sh -e -c 'tar xf -; "+twenty+"'"),
	)}
}

func (b *Bench) fan() Work {
	run := "docker run --rm " + image + " true"
	return Work{Name: "W3", About: "one job, eight at once, one job", Most: 4, Cases: b.all("fan", 1.05,
		b.floor("fan", "docker run, eight with &", run+"; for i in 1 2 3 4 5 6 7 8; do "+run+" & done; wait; "+run),
		b.by("fan", "docker run, two at a time", run+"; seq 8 | xargs -P 2 -I{} "+run+"; "+run),
	)}
}

func (b *Bench) chatty() Work {
	w := Work{Name: "W4", About: "one step that prints a million lines of eighty bytes", Most: 3, Cases: b.all("chatty", 1.00,
		b.floor("chatty", "docker run > file", fmt.Sprintf("exec docker run --rm %s sh -c %s", image, shellQuote(chatty))))}
	hand := Case{Label: "docker run --log-driver none", Dir: w.Cases[0].Dir,
		Command: fmt.Sprintf("exec docker run --rm --log-driver none %s sh -c %s", image, shellQuote(chatty))}
	p := &w.Cases[1]
	p.MaxMB = 80
	p.Check = func(string) error { return b.historyHas(filepath.Join(b.Dir, "chatty"), 1_000_000) }
	w.Cases = append(w.Cases, hand)
	return w
}

// historyHas checks that the history kept the lines of the latest run.
func (b *Bench) historyHas(dir string, lines int) error {
	cmd := exec.Command("sh", "-c", fmt.Sprintf("POPSICLE_HOME='%s' '%s' logs --job chatty | grep -c 'line [0-9]* the quick'", b.home(), b.Popsicle))
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("popsicle logs: %w", err)
	}
	if got := strings.TrimSpace(string(out)); got != fmt.Sprint(lines) {
		return fmt.Errorf("the history has %s of %d lines", got, lines)
	}
	return nil
}

// bind is how a job by hand sees a tree without any isolation.
const bind = `exec docker run --rm -v "$PWD:/w:ro" -w /w `

func (b *Bench) again() Work {
	w := Work{Name: "W5", About: "20,000 files, 200 MB, one of them changed since the last run", Cases: b.all("big", 1.25,
		b.floor("big", "docker run -v checkout:ro", bind+image+" sh -c "+shellQuote(countFiles)))}
	for i := range w.Cases {
		w.Cases[i].Before = b.changeOne("big")
		w.Cases[i].Check = contains("20008") // with the four large ones, the configs and the README
	}
	return w
}

// changeOne makes a change to one file of a repository.
func (b *Bench) changeOne(repo string) func(context.Context) error {
	return func(context.Context) error {
		return write(filepath.Join(b.Dir, repo, "src/pkg03/mod071/file42.dat"), []byte(time.Now().String()))
	}
}

func (b *Bench) first() Work {
	name := fmt.Sprintf("popsicle-bench-%d", os.Getpid())
	list := "git ls-files -z | tar --null -T - -cf - "
	w := Work{Name: "W5-first", About: "20,000 files, 200 MB, never run before", Most: 3, Cases: b.all("big", 1.10,
		b.floor("big", "docker cp", "docker create --name "+name+" -w /w "+image+" sh -e -c "+shellQuote(countFiles)+" >/dev/null; "+
			list+"| docker cp - "+name+":/w; docker start -a "+name+"; docker rm -f "+name+" >/dev/null"),
		b.floor("big", "tar through the pipe", list+"| docker run --rm -i --log-driver none -w /w "+image+" sh -e -c "+shellQuote("tar xf -; "+countFiles)),
		b.floor("big", "bind mount + cp", `exec docker run --rm -v "$PWD:/src:ro" -w /w `+image+" sh -e -c "+shellQuote("cp -a /src/. /w/; "+countFiles)),
	)}
	w.Cases[3].Before = func(ctx context.Context) error { return b.forget(ctx) }
	return w
}

func (b *Bench) wide() Work {
	floor := b.popsicleIn("wide-tiny", "run")
	floor.Label, floor.Floor = "popsicle run, a small tree", true
	p := b.popsicleIn("wide", "run")
	p.Label, p.Bar, p.Before = "popsicle run, 20,000 files", 1.15, b.changeOne("wide")
	return Work{Name: "W5-wide", About: "eight jobs at once on that tree, beside eight on a small one", Most: 3, Cases: []Case{floor, p}}
}

func contains(want string) func(string) error {
	return func(output string) error {
		if !strings.Contains(output, want) {
			return fmt.Errorf("the output lacks %q: %s", want, output[max(0, len(output)-500):])
		}
		return nil
	}
}

// shellQuote writes a word for sh.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
