package db

import (
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// moment is a time as a column keeps it: unix milliseconds, or NULL where
// nothing has happened yet.
type moment time.Time

// Value makes the column's value.
func (m moment) Value() (driver.Value, error) {
	if t := time.Time(m); !t.IsZero() {
		return t.UnixMilli(), nil
	}
	return nil, nil
}

// Scan reads the column's value.
func (m *moment) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*m = moment{}
	case int64:
		*m = moment(time.UnixMilli(v))
	default:
		return fmt.Errorf("a time kept as %T", v)
	}
	return nil
}

// list is a slice as a column keeps it: a JSON array.
type list[T any] []T

// Value makes the column's value.
func (l list[T]) Value() (driver.Value, error) {
	if l == nil {
		return "[]", nil
	}
	text, err := json.Marshal([]T(l))
	return string(text), err
}

// Scan reads the column's value. An empty array becomes nil.
func (l *list[T]) Scan(v any) error {
	*l = nil
	text, ok := v.(string)
	if !ok {
		return fmt.Errorf("a list kept as %T", v)
	}
	if text == "[]" {
		return nil
	}
	return json.Unmarshal([]byte(text), (*[]T)(l))
}

// request is what was asked of a run as a column keeps it: a JSON object.
type request event.Request

// Value makes the column's value.
func (r *request) Value() (driver.Value, error) {
	text, err := json.Marshal(event.Request(*r))
	return string(text), err
}

// Scan reads the column's value.
func (r *request) Scan(v any) error {
	*r = request{}
	text, ok := v.(string)
	if !ok {
		return fmt.Errorf("a request kept as %T", v)
	}
	return json.Unmarshal([]byte(text), (*event.Request)(r))
}

// fromMillis returns the time that is kept as ms.
func fromMillis(ms int64) time.Time { return time.UnixMilli(ms) }

// each yields what scan makes of every row, and closes them.
func each[T any](rows *sql.Rows, err error, scan func(func(...any) error) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if err != nil {
			yield(*new(T), err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			one, err := scan(rows.Scan)
			if !yield(one, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(*new(T), err)
		}
	}
}

// collect gathers what each yields.
func collect[T any](rows *sql.Rows, scan func(func(...any) error) (T, error)) (all []T, err error) {
	for one, err := range each(rows, nil, scan) {
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}
