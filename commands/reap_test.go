package commands

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner/docker"
)

// The lease of a dead run stays as long as an engine was not looked at on which
// that run may have made something.
func TestForgetLeases(t *testing.T) {
	down := errors.New("down")
	errandTo := func(host string, err error) errand {
		return errand{engine: engine{Runner: db.Runner{Name: host, Host: host}}, err: err}
	}
	for name, c := range map[string]struct {
		noted   []string
		errands []errand
		stays   bool
	}{
		"all were looked at":                {[]string{"a", "b"}, []errand{errandTo("a", nil), errandTo("b", nil)}, false},
		"one is down":                       {[]string{"a", "b"}, []errand{errandTo("a", nil), errandTo("b", down)}, true},
		"one is down that it did not use":   {[]string{"a"}, []errand{errandTo("a", nil), errandTo("b", down)}, false},
		"one is down, and it noted nothing": {nil, []errand{errandTo("a", nil), errandTo("b", down)}, true},
		"one was removed from the list":     {[]string{"a", "b"}, []errand{errandTo("a", nil)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			lease, err := docker.TakeLease(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			if len(c.noted) > 0 {
				err = lease.Note(c.noted...)
			}
			if err := errors.Join(err, lease.Abandon()); err != nil {
				t.Fatal(err)
			}
			_, dead, _ := docker.Leases(filepath.Dir(lease.Path))
			if !slices.Contains(dead, lease.Path) {
				t.Fatalf("a lease that was abandoned is not dead: %v", dead)
			}
			if err := forget(dead, c.errands); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(lease.Path); (err == nil) != c.stays {
				t.Errorf("the lease is there: %v, want %v", err == nil, c.stays)
			}
		})
	}
}
