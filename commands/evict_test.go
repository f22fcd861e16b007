package commands

import (
	"testing"
	"time"
)

// TestEvictionHeedsNoClockThatWasWrong sets the clock back: what was used
// before that, in times to come, falls under the limits like everything else.
func TestEvictionHeedsNoClockThatWasWrong(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	l := limits{size: 1, age: 24 * time.Hour}
	none := func([]string, int64) (int, error) { return 0, nil } // nothing fits
	every := func(ids []string, _ int64) (int, error) { return len(ids), nil }
	for name, c := range map[string]struct {
		used    time.Duration // after now
		fitting func([]string, int64) (int, error)
		want    int
	}{
		"a year ahead":                       {365 * 24 * time.Hour, every, 1},
		"hours ahead, and no room":           {5 * time.Hour, none, 1},
		"hours ahead, and room":              {5 * time.Hour, every, 0},
		"hours ago, and no room":             {-5 * time.Hour, none, 1},
		"a minute ahead, of another process": {time.Minute, none, 0},
		"a minute ago, whatever the room":    {-time.Minute, none, 0},
	} {
		t.Run(name, func(t *testing.T) {
			old, err := l.overdue([]keepsake{{blobs: []string{"c"}, used: now.Add(c.used)}}, now, c.fitting)
			if err != nil || len(old) != c.want {
				t.Errorf("%d overdue, %v; want %d", len(old), err, c.want)
			}
		})
	}
}
