package commands

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/db"
)

func TestForwards(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	ready := settings{Unsigned: true, Repos: map[string]db.Repo{"acme/app": {Name: "Acme/App"}}}
	for _, c := range []struct {
		names  []string
		change func(*settings)
		want   string
	}{
		{[]string{"acme/other"}, func(*settings) {}, "popsicle daemon repo add acme/other"},
		{[]string{"acme/app"}, func(s *settings) { s.Unsigned = false }, "--forward needs --unsigned"},
		{[]string{"acme/app"}, func(s *settings) { s.Cert = "c.pem" }, "excludes --tls-cert"},
		{[]string{"acme/app"}, func(*settings) {}, "gh is missing: https://cli.github.com"},
	} {
		s := ready
		c.change(&s)
		if _, err := forwards(t.Context(), c.names, s); err == nil || !strings.Contains(err.Error(), c.want) || exitCode(err) != exitUsage {
			t.Errorf("%v: %v; want %s", c.names, err, c.want)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "gh"), []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got, err := forwards(t.Context(), []string{"ACME/app"}, ready); err != nil || !slices.Equal(got, []string{"Acme/App"}) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := forwards(t.Context(), nil, settings{}); got != nil || err != nil {
		t.Errorf("nothing is forwarded: %v, %v", got, err)
	}
}
