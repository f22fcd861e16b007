package db

import (
	"errors"
	"testing"
)

func TestRunnersAddedAndRemoved(t *testing.T) {
	d := open(t)
	big := Runner{Host: "ssh://ci@big", Name: "big", Arch: "arm64", Labels: []string{"large", "gpu"}, MaxJobs: 4, TLSDir: "/keys"}
	if err := d.AddRunner(t.Context(), big); err != nil {
		t.Fatal(err)
	}
	for _, other := range []Runner{{Host: "ssh://ci@other", Name: "big"}, {Host: "ssh://ci@big", Name: "other"}} {
		if err := d.AddRunner(t.Context(), other); !errors.Is(err, ErrTaken) {
			t.Errorf("adding %+v: %v, want ErrTaken", other, err)
		}
	}
	if err := d.SetRunnerArch(t.Context(), big.Host, "amd64"); err != nil {
		t.Fatal(err)
	}
	got, err := d.Runners(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	big.ID, big.Arch = 1, "amd64"
	same(t, got, []Runner{big})

	if err := d.RemoveRunner(t.Context(), "big"); err != nil {
		t.Fatal(err)
	}
	if err := d.RemoveRunner(t.Context(), "big"); !errors.Is(err, ErrNotFound) {
		t.Errorf("removing twice: %v, want ErrNotFound", err)
	}
	if err := d.AddRunner(t.Context(), Runner{Host: "ssh://ci@big", Name: "again"}); err != nil {
		t.Errorf("an engine that was removed cannot be added: %v", err)
	}
}
