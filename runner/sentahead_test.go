package runner

import (
	"fmt"
	"strings"
	"testing"
)

func TestStepSentAhead(t *testing.T) {
	ahead := func(c *talk, n int, script string) {
		c.put(fmt.Sprintf("step-%d.sh", n), script)
		c.follow(n, c.command())
	}
	eachShell(t, func(t *testing.T, c *talk) {
		c.begin(2, "echo two")
		ahead(c, 3, "echo three")
		if a, b := c.wait(2), c.wait(3); a != 0 || b != 0 || c.said(2) != "two\n" || c.said(3) != "three\n" {
			t.Errorf("after a success: %d %q, %d %q", a, c.said(2), b, c.said(3))
		}
		c.begin(4, "echo four; exit 1")
		ahead(c, 5, "echo five")
		c.wait(4)
		if out, code := c.run(6, "echo six"); out != "six\n" || code != 0 || c.said(5) != "" {
			t.Errorf("after a failure: %q, %q", c.said(5), out)
		}
		c.begin(7, "trap 'exit 0' TERM; echo on; while :; do sleep 0.05; done")
		ahead(c, 8, "echo eight")
		c.until(7, "on\n")
		c.kill(8, "KILL")
		c.kill(7, "TERM")
		if code := c.wait(7); code != 0 {
			t.Errorf("the step that traps the signal: %d", code)
		}
		if out, code := c.run(9, "echo nine"); out != "nine\n" || code != 0 || c.said(8) != "" {
			t.Errorf("a step that was taken back: %q, then %q", c.said(8), out)
		}
	})
}

// A step that halts the job goes on to its own end; what was sent ahead does
// not begin, whatever its code.
func TestStepThatHalts(t *testing.T) {
	for _, code := range []int{0, 3} {
		eachShell(t, func(t *testing.T, c *talk) {
			_, _ = c.eval(t.Context(), `export PATH="$_bin:$PATH"`)
			c.begin(2, fmt.Sprintf("circleci-agent step halt; echo on; exit %d", code))
			c.put("step-3.sh", "echo three")
			c.follow(3, c.command())
			if got := c.wait(2); got != code || c.said(2) != "on\n" || c.halted.Load() != 2 {
				t.Errorf("ended with %d, halted %v: %q", got, c.halted.Load(), c.said(2))
			}
			if code, err := c.eval(t.Context(), "true"); code != 0 || err != nil || c.said(3) != "" {
				t.Errorf("then: %d, %v, %q", code, err, c.said(3))
			}
		})
	}
}

func TestBackgroundStep(t *testing.T) {
	eachShell(t, func(t *testing.T, c *talk) {
		c.put("step-2.sh", "echo up; while [ ! -e go ]; do sleep 0.02; done; printf 'last  line'; exit 3")
		c.beside(2, c.command())
		c.until(2, "up\n")
		if out, code := c.run(3, "echo beside; touch go"); out != "beside\n" || code != 0 {
			t.Errorf("beside it: %d, %q", code, out)
		}
		if code := c.wait(2); code != 3 || c.said(2) != "up\nlast  line\n" {
			t.Errorf("the background step: %d, %q", code, c.said(2))
		}
		c.put("step-4.sh", "echo up; sleep 300")
		c.beside(4, c.command())
		c.until(4, "up\n")
		c.kill(4, "TERM")
		if code := c.wait(4); code != 143 {
			t.Errorf("the killed one: %d", code)
		}
	})
}

// Long lines of background steps are torn by a full pipe; no answer may be
// lost in them.
func TestBackgroundStepsTalkAllAtOnce(t *testing.T) {
	eachShell(t, func(t *testing.T, c *talk) {
		const chatty = `l=0123456789; l=$l$l$l$l$l$l$l$l$l$l; l=$l$l$l$l$l$l$l$l$l$l; l=$l$l$l$l$l$l$l$l$l$l
			i=0; while [ $i -lt 30 ]; do echo "$l"; i=$((i+1)); done`
		for n := 2; n < 5; n++ {
			c.put(fmt.Sprintf("step-%d.sh", n), chatty)
			c.beside(n, c.command())
		}
		for n := 10; n < 30; n++ {
			if _, code := c.run(n, "echo step"); code != 0 {
				t.Fatalf("step %d: %d", n, code)
			}
		}
		for n := 2; n < 5; n++ {
			if code := c.wait(n); code != 0 {
				t.Errorf("step %d: %d", n, code)
			}
		}
	})
}

func TestStepLeavesAChildThatWrites(t *testing.T) {
	eachShell(t, func(t *testing.T, c *talk) {
		out, code := c.run(2, "(while [ ! -e go ]; do sleep 0.02; done; echo late) & echo early")
		if out != "early\n" || code != 0 {
			t.Errorf("the step: %d, %q", code, out)
		}
		// What it writes later goes to the step that runs then.
		if out, code := c.run(3, "touch go; while ! grep -q x end 2>/dev/null; do sleep 0.02; [ -e seen ] && echo x >end; : >seen; done; echo step"); code != 0 || !strings.Contains(out, "step\n") {
			t.Errorf("the step after it: %d, %q", code, out)
		}
		c.until(3, "late\n")
	})
}
