package config_test

import (
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/config"
)

func TestConfigsOfOthersAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		"on: [push]\njobs: {}\n":             "a workflow of GitHub Actions: `popsicle init` carries those over",
		"stages: [a]\nx: {script: [echo]}\n": "a config of GitLab: `popsicle init` writes a first config",
		"jobs: {}\n":                         "begin with version: 2.1",
	} {
		if _, err := config.Parse("f.yml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}
