package runner

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

func TestEval(t *testing.T) {
	values := []string{
		"", " ", "plain", "two words", "it's", `"quoted"`, `back\slash\\`, "$HOME ${HOME} $(id) `id`", "line\nline\n", "\n", "tab\t*?[]",
		"-n", "end 2 0", "a=b", "žluť", "\x01\x1e\x7f\x81\x88\xff", strings.Repeat("long ", 5000), "'", "''", `\`, "!", "~", "\r\n", "#", "%s%n",
	}
	eachShell(t, func(t *testing.T, c *talk) {
		var vars []string
		var text strings.Builder
		for i, v := range values {
			vars = append(vars, fmt.Sprintf("V%d", i))
			exported, refused := exports(varsOf(vars[i], v))
			if refused != nil {
				t.Fatal(refused)
			}
			text.WriteString(exported)
		}
		c.must(text.String())
		var script strings.Builder
		for _, name := range vars {
			fmt.Fprintf(&script, "printf '%%s\\0' \"$%s\"\n", name)
		}
		out, _ := c.run(2, script.String())
		for i, got := range strings.Split(strings.TrimSuffix(out, "\x00"), "\x00") {
			if got != values[i] {
				t.Errorf("%.60q became %.60q", values[i], got)
			}
		}
		ctx := t.Context()
		if code, err := c.eval(ctx, "(exit 9)"); code != 9 || err != nil {
			t.Errorf("(exit 9): %d, %v", code, err)
		}
		if code, err := c.eval(ctx, "mkdir -p 'in here' && cd 'in here'"); code != 0 || err != nil {
			t.Errorf("cd: %d, %v", code, err)
		}
		if out, _ := c.run(3, "pwd"); !strings.HasSuffix(out, "/in here\n") {
			t.Errorf("the step began in %q", out)
		}
	})
}

// A job may have any variable: none of them is the driver's.
func TestVariablesThatShellsTakeForTheirOwn(t *testing.T) {
	names := []string{
		"token", "dir", "session", "verb", "n", "shell", "line", "left", "code", "leader", "blocks", "s", "l", "a", "b", "stat", "child", "parent",
		"IFS", "PATH", "UID", "EUID", "PPID", "GROUPS", "SHELLOPTS", "BASHOPTS", "PS1", "PS4", "ENV", "BASH_ENV", "HOME", "LINENO", "CDPATH", "POSIXLY_CORRECT",
	}
	eachShell(t, func(t *testing.T, c *talk) {
		n := 2
		for _, name := range names {
			value := "/x:,s 1"
			text, _ := exports(varsOf(name, value))
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			_, err := c.eval(ctx, text)
			cancel()
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			pre, _ := exports(varsOf(name, value))
			c.put(fmt.Sprintf("pre-%d", n), pre)
			if out, code := c.run(n, "echo works"); !strings.HasSuffix(out, "works\n") || code != 0 { // bash says what it keeps for itself
				t.Errorf("with %s: %d, %q", name, code, out)
			}
			n++
		}
	})
}
