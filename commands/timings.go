package commands

import (
	"context"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner"
)

// timings are how long the tests of a job took in this checkout when last they
// passed. A history that cannot be read knows none: tests are split by name.
func (l *launch) timings(ctx context.Context, _, job string) []runner.Timing {
	var all []runner.Timing
	for by, kind := range map[db.TimingKey]runner.TimingKind{db.ByFile: runner.ByFile, db.ByClass: runner.ByClass, db.ByName: runner.ByTest} {
		known, err := l.history.TestTimings(ctx, l.repo.Root, job, by)
		if err != nil {
			return nil
		}
		for name, seconds := range known {
			all = append(all, runner.Timing{Kind: kind, Name: name, Seconds: seconds})
		}
	}
	return all
}
