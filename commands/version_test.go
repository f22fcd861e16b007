package commands

import (
	"runtime/debug"
	"testing"
)

// What the release says comes before what Go saw in the checkout.
func TestBuildStamp(t *testing.T) {
	settings := []debug.BuildSetting{{Key: "vcs.revision", Value: "1cac225"}, {Key: "vcs.time", Value: "2026-01-02T03:04:05Z"}, {Key: "vcs.modified", Value: "true"}}
	for _, tt := range []struct{ name, commit, want string }{
		{"a checkout", "", "popsicle version v1\ncommit   1cac225, with changes\ndate     2026-01-02T03:04:05Z\ngo       , /\nsqlite   \n"},
		{"a release", "f00", "popsicle version v1\ncommit   f00, with changes\ndate     2026-01-02T03:04:05Z\ngo       , /\nsqlite   \n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := build{Version: "v1", Commit: tt.commit}
			for _, s := range settings {
				b.stamp(s)
			}
			if got := b.String(); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}
