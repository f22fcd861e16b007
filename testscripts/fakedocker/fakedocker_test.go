package fakedocker

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseRun(t *testing.T) {
	for _, c := range []struct{ name, line, image, command, wantErr string }{
		{"plain", "--rm --name a alpine true", "alpine", "true", ""},
		{"entrypoint", "--interactive --entrypoint /bin/sh alpine -c x", "alpine", "/bin/sh -c x", ""},
		{"unknown flag", "--publish alpine", "", "", "unknown flag: --publish"},
		{"no image", "--rm", "", "", "requires at least 1 argument"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, image, command, err := parseRun(strings.Fields(c.line))
			if c.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), c.wantErr) {
					t.Errorf("err = %v, want %s", err, c.wantErr)
				}
				return
			}
			if err != nil || image != c.image || !reflect.DeepEqual(command, strings.Fields(c.command)) {
				t.Errorf("= %s, %q, %v", image, command, err)
			}
		})
	}
}

func TestParseExec(t *testing.T) {
	flags, name, command, err := parseFlags("exec", execFlags, strings.Fields("--interactive --user 1000 box sh -c x"))
	if err != nil || flags["--user"] != "1000" || name != "box" || !reflect.DeepEqual(command, []string{"sh", "-c", "x"}) {
		t.Errorf("= %v, %s, %q, %v", flags, name, command, err)
	}
	if _, _, _, err := parseFlags("exec", execFlags, []string{"--privileged", "box", "true"}); err == nil {
		t.Error("a flag that popsicle does not use is taken")
	}
}
