package commands

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner/event"
)

func logsCommand() *cli.Command {
	return &cli.Command{
		Name:      "logs",
		Usage:     "print what the steps of a pipeline wrote",
		ArgsUsage: "[N]",
		Description: `Prints the log of pipeline N, or of the latest.

   popsicle logs --failed            only the steps that failed
   popsicle logs 12 --job build --step 3
   popsicle logs 12 --job 'test[1]'  one node of a parallel job
   popsicle logs -f                  follow a run of another terminal`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "job", Usage: "only the job `NAME`"},
			&cli.StringFlag{Name: "step", Usage: "only the step `S`, by number or name"},
			&cli.BoolFlag{Name: "failed", Usage: "only steps that failed"},
			&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "go on until the pipeline has ended"},
			serverFlag(),
		},
		Suggest:      true,
		OnUsageError: usageError,
		Action:       logsAction,
	}
}

func logsAction(ctx context.Context, c *cli.Command) error {
	ctx, _, stop := interrupts(ctx)
	defer stop()
	history, err := openArchive(ctx, c)
	if err != nil {
		return err
	}
	defer history.Close()
	arg, job, _ := strings.Cut(c.Args().First(), "/")
	find := pick
	if arg == "" && c.Bool("follow") {
		find = func(ctx context.Context, history archive, _ string) (db.Pipeline, error) { return newest(ctx, history) }
	}
	p, err := find(ctx, history, arg)
	if err != nil {
		return err
	}
	if c.IsSet("job") {
		job = c.String("job")
	}
	out := bufio.NewWriter(stdout(c))
	defer out.Flush()
	r := &reader{
		history: history, out: out, job: job, step: c.String("step"), failed: c.Bool("failed"), follow: c.Bool("follow"),
		read: map[int64]db.Cursor{}, over: map[int64]bool{}, parallel: map[int]bool{}, wait: followWait,
	}
	if from, there := history.(*remote); there {
		r.wait = remoteWait
		if r.follow && !r.failed && !p.Status.Ended() { // what failed is known at the end
			return r.stream(ctx, from, p)
		}
	}
	return r.pipeline(ctx, p)
}

// A reader prints logs of a pipeline.
type reader struct {
	history      archive
	out          *bufio.Writer
	job, step    string
	failed       bool
	follow       bool
	read         map[int64]db.Cursor // how far each job was read
	over         map[int64]bool      // jobs that were read to their end
	wait         time.Duration       // before a followed run is asked again
	parallel     map[int]bool        // jobs of several nodes, by position
	headed       string              // the step whose heading was printed last
	midLine      bool                // the last line printed has no end yet
	steps, found int
}

// How often a followed run is asked for more: one of this machine, and one of
// a daemon, which limits how often it is asked.
const (
	followWait = 100 * time.Millisecond
	remoteWait = 500 * time.Millisecond
)

// pipeline prints the jobs of a pipeline in the order of its plan; a followed
// one, which writes many jobs at once, as the text comes.
func (r *reader) pipeline(ctx context.Context, p db.Pipeline) error {
	for {
		jobs, err := r.history.Jobs(ctx, p.ID)
		if err != nil {
			return err
		}
		for _, j := range jobs {
			r.parallel[j.Position] = r.parallel[j.Position] || j.Node > 0
		}
		for _, j := range jobs {
			if r.job == "" || called(j, r.job) {
				r.found++
				if r.over[j.ID] || r.early(j) {
					continue // there is nothing more, or nothing yet
				}
				if err := r.printJob(ctx, j); err != nil {
					return err
				}
			}
		}
		if !r.follow || p.Status.Ended() {
			return r.missing(p, jobs)
		}
		if err := r.out.Flush(); err != nil {
			return err
		}
		if p, err = r.again(ctx, p.ID); err != nil {
			return err
		}
	}
}

// early says whether nothing of a job can be printed yet: which of its steps
// fail is known at its end.
func (r *reader) early(j db.Job) bool {
	return !j.Status.Ended() && (j.Start.IsZero() || r.follow && r.failed)
}

// again waits a moment and reads the pipeline anew.
func (r *reader) again(ctx context.Context, id int64) (db.Pipeline, error) {
	select {
	case <-ctx.Done():
		return db.Pipeline{}, ctx.Err()
	case <-time.After(r.wait):
		return r.history.Pipeline(ctx, id)
	}
}

// missing is the error of asking for what is not there.
func (r *reader) missing(p db.Pipeline, jobs []db.Job) error {
	var names []string
	for _, j := range jobs {
		if j.Node == 0 {
			names = append(names, j.Name)
		}
	}
	switch {
	case r.found == 0 && r.job != "":
		return usage("pipeline #%d has no job %q: it has %s", p.ID, r.job, strings.Join(names, ", "))
	case r.steps == 0 && r.step != "":
		return usage("pipeline #%d has no step %q: popsicle show %d lists them", p.ID, r.step, p.ID)
	case r.steps == 0 && r.failed:
		_, err := fmt.Fprintf(r.out, "no step of pipeline #%d failed\n", p.ID)
		return err
	case r.steps == 0 && r.job != "":
		return r.noLog(jobs)
	}
	return nil
}

// noLog says why the job that was asked for has no step.
func (r *reader) noLog(jobs []db.Job) error {
	for _, j := range jobs {
		if !called(j, r.job) {
			continue
		}
		text := j.Name + " has no log: " + strings.ReplaceAll(string(j.Status), "_", " ")
		if j.Reason != "" {
			text += ": " + j.Reason
		}
		if _, err := fmt.Fprintln(r.out, text); err != nil {
			return err
		}
	}
	return nil
}

// printJob prints what the job's steps wrote since it was last read.
func (r *reader) printJob(ctx context.Context, j db.Job) error {
	steps, err := r.history.Steps(ctx, j.ID)
	if err != nil {
		return err
	}
	wanted := map[int]db.Step{}
	for _, s := range steps {
		if r.wants(s) {
			wanted[s.Number] = s
			r.steps++
		}
	}
	for {
		page, err := r.history.Lines(ctx, db.LogQuery{Job: j.ID, From: r.read[j.ID]})
		if err != nil {
			return err
		}
		for _, piece := range page.Pieces {
			if s, ok := wanted[piece.Step]; ok {
				r.print(j, s, piece.Text)
			}
		}
		r.read[j.ID] = page.Next
		if !page.More {
			r.over[j.ID] = page.Ended
			return nil
		}
	}
}

func (r *reader) wants(s db.Step) bool {
	failed := s.Status == event.Failed || s.Status == event.TimedOut || s.Status == event.InfrastructureFail
	if r.failed && !failed {
		return false
	}
	return r.step == "" || r.step == strconv.Itoa(s.Number) || r.step == s.Name
}

// print prints a piece under the heading of its step. Asked for one step of
// one job, it prints the step's bytes and nothing else.
func (r *reader) print(j db.Job, s db.Step, text []byte) {
	heading := fmt.Sprintf("%s: %d %s", r.label(j), s.Number, firstLine(s.Name))
	if heading != r.headed && (r.job == "" || r.step == "") {
		if r.midLine {
			_ = r.out.WriteByte('\n') // a writer's error stays, and Flush returns it
		}
		_, _ = io.WriteString(r.out, "=== "+heading+"\n")
	}
	r.headed = heading
	_, _ = r.out.Write(text)
	r.midLine = len(text) > 0 && text[len(text)-1] != '\n'
}

// label is the name of a job, or of one node of it where it has several.
func (r *reader) label(j db.Job) string {
	if r.parallel[j.Position] {
		return fmt.Sprintf("%s[%d]", j.Name, j.Node)
	}
	return j.Name
}

// called says whether name is a job's: "test", "main/test", or "test[1]" for
// one node of it.
func called(j db.Job, name string) bool {
	for _, own := range []string{j.Name, j.Workflow + "/" + j.Name} {
		if name == own || name == fmt.Sprintf("%s[%d]", own, j.Node) {
			return true
		}
	}
	return false
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
