package db

import (
	"context"
	"database/sql"
	"errors"
	"testing"
)

func TestChangeThatIsCancelledIsNoFault(t *testing.T) {
	d := open(t)
	for name, update := range map[string]func(context.Context, func(*sql.Tx) error) error{"update": d.update, "durably": d.durably} {
		ctx, cancel := context.WithCancel(t.Context())
		err := update(ctx, func(tx *sql.Tx) error {
			cancel()
			waitFor(t, func() bool { // database/sql rolls back beside us
				_, err := tx.ExecContext(context.Background(), "SELECT 1")
				return errors.Is(err, sql.ErrTxDone)
			})
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want context.Canceled", name, err)
		}
	}
}
