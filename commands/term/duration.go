package term

import (
	"fmt"
	"time"
)

// Duration says how long something took, in as few signs as still compare
// well: 0.3s, 12.1s, 3m04s, 2h05m.
func Duration(d time.Duration) string {
	switch d = max(d, 0); {
	case d < 59950*time.Millisecond: // what would round to 60.0s is 1m00s
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Hour-500*time.Millisecond:
		d = d.Round(time.Second)
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	}
	d = d.Round(time.Minute)
	return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
}

// elapsed is Duration for something that still goes on: whole seconds, since
// tenths that run past only disturb.
func elapsed(d time.Duration) string {
	if d = max(d, 0); d < time.Minute {
		return fmt.Sprintf("%ds", d/time.Second)
	}
	return Duration(d.Truncate(time.Second))
}

// Age says how long ago something was: "now", "5m ago", "2h ago", "3d ago",
// and from sixty days on the date.
func Age(then, now time.Time) string {
	d := now.Sub(then)
	switch {
	case then.IsZero():
		return ""
	case d < time.Minute:
		return "now"
	case d < time.Hour:
		return fmt.Sprintf("%dm ago", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh ago", d/time.Hour)
	case d < 60*24*time.Hour:
		return fmt.Sprintf("%dd ago", d/(24*time.Hour))
	}
	return then.In(now.Location()).Format(time.DateOnly)
}
