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
		{"unknown flag", "--privileged alpine", "", "", "unknown flag: --privileged"},
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
