package runner

import "testing"

func TestLineup(t *testing.T) {
	const pass, fail = 0, 1
	for name, c := range map[string]struct {
		do   func(l *lineup)
		want int
	}{
		"the step that was started":    {func(l *lineup) { l.start(3) }, 3},
		"still, after its end":         {func(l *lineup) { l.start(3); l.end(pass) }, 3},
		"sent ahead, it waits":         {func(l *lineup) { l.start(3); l.follow(4) }, 3},
		"and begins":                   {func(l *lineup) { l.start(3); l.follow(4); l.end(pass) }, 4},
		"but not after a failure":      {func(l *lineup) { l.start(3); l.follow(4); l.end(fail) }, 3},
		"sent when the other is over":  {func(l *lineup) { l.start(3); l.end(pass); l.follow(4) }, 4},
		"sent when the other failed":   {func(l *lineup) { l.start(3); l.end(fail); l.follow(4) }, 3},
		"a chain, each sent in time":   {func(l *lineup) { l.start(3); l.follow(4); l.end(pass); l.follow(5); l.end(pass) }, 5},
		"a chain, each sent late":      {func(l *lineup) { l.start(3); l.end(pass); l.follow(4); l.end(pass); l.follow(5) }, 5},
		"sent when the step does more": {func(l *lineup) { l.start(1); l.end(pass); l.resume(); l.follow(3) }, 1},
		"a chain, when the step did more": {func(l *lineup) {
			l.start(1)
			l.end(pass)
			l.resume()
			l.follow(3)
			l.end(pass)
			l.follow(4)
		}, 3},
		"sent in vain, then another start": {func(l *lineup) { l.start(3); l.follow(4); l.end(fail); l.start(6); l.end(pass) }, 6},
	} {
		t.Run(name, func(t *testing.T) {
			var l lineup
			c.do(&l)
			if got := l.current(); got != c.want {
				t.Errorf("step %d is writing, want %d", got, c.want)
			}
		})
	}
}
