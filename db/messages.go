package db

import (
	"context"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// A Message is a warning that a run gave besides its logs.
type Message struct {
	Job, Node, Step int // places in the pipeline, 0 where it is about none
	Time            time.Time
	Level           event.Level
	Text            string
}

// Messages returns the warnings of a pipeline, oldest first.
func (d *DB) Messages(ctx context.Context, pipeline int64) ([]Message, error) {
	rows, err := d.read.QueryContext(ctx, "SELECT job, node, step, time, level, text FROM messages WHERE pipeline_id = ? ORDER BY id", pipeline)
	if err != nil {
		return nil, d.wrap(err)
	}
	messages, err := collect(rows, func(scan func(...any) error) (m Message, err error) {
		err = scan(&m.Job, &m.Node, &m.Step, (*moment)(&m.Time), &m.Level, &m.Text)
		return m, err
	})
	return messages, d.wrap(err)
}
