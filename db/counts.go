package db

import (
	"context"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// Counts says how many pipelines and jobs are in which state.
type Counts struct {
	Pipelines, Jobs map[event.Status]int64
}

// Counts returns how many pipelines and jobs the history holds. It costs the
// same however many they are.
func (d *DB) Counts(ctx context.Context) (Counts, error) {
	c := Counts{map[event.Status]int64{}, map[event.Status]int64{}}
	rows, err := d.read.QueryContext(ctx, "SELECT thing, status, number FROM counts")
	type count struct {
		thing  string
		status event.Status
		number int64
	}
	for n, err := range each(rows, err, func(scan func(...any) error) (n count, err error) {
		err = scan(&n.thing, &n.status, &n.number)
		return n, err
	}) {
		if err != nil {
			return c, d.wrap(err)
		}
		if n.thing == "job" {
			c.Jobs[n.status] = n.number
		} else {
			c.Pipelines[n.status] = n.number
		}
	}
	return c, nil
}
