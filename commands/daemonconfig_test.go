package commands

import (
	"strings"
	"testing"
	"time"
)

func TestDaemonConfig(t *testing.T) {
	s, err := parseDaemonConfig("daemon.yml", []byte(`
listen: 127.0.0.1:9000
jobs: 3
poll: 2m
max_size: 10
ssh_key: /k
repositories:
  acme/App:
  acme/deep:
    url: ssh://git@git.example.com/acme/deep.git
    events: [push, schedule]
    contexts: deploy
`))
	if err != nil {
		t.Fatal(err)
	}
	if s.Listen != "127.0.0.1:9000" || s.Jobs != 3 || s.Poll != 2*time.Minute || s.MaxSize != 10<<20 || s.SSHKey != "/k" {
		t.Errorf("%+v", s)
	}
	if r := s.Repos["acme/app"]; r.Name != "acme/App" || r.URL != "https://github.com/acme/App" {
		t.Errorf("%+v", r)
	}
	if r := s.Repos["acme/deep"]; r.URL != "ssh://git@git.example.com/acme/deep.git" || len(r.Events) != 2 || len(r.Contexts) != 1 || r.Contexts[0] != "deploy" {
		t.Errorf("%+v", r)
	}
	if s, err := parseDaemonConfig("daemon.yml", nil); err != nil || len(s.Repos) != 0 {
		t.Errorf("of nothing: %+v, %v", s, err)
	}
}

func TestDaemonConfigMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"jobs: none":                             `daemon.yml:1:7: "none" is no number above 0`,
		"jobs: 0":                                `daemon.yml:1:7: "0" is no number above 0`,
		"poll: 1ms":                              `daemon.yml:1:7: "1ms" is no time of at least a second`,
		"jbs: 1":                                 `daemon.yml:1:1: there is no setting "jbs"`,
		"- a":                                    `daemon.yml:1:1: the config is`,
		"listen: [a]":                            `daemon.yml:1:9: this is`,
		"repositories: 3":                        `daemon.yml:1:15: the repositories are`,
		"repositories:\n  app:":                  `daemon.yml:2:3: "app" is no name of a repository`,
		"repositories:\n  a/b: 3":                `daemon.yml:2:8: the repository is`,
		"repositories:\n  a/b: {events: [pull]}": `daemon.yml:2:18: there is no event "pull"`,
		"repositories:\n  a/b: {url: 'file:///etc'}": `daemon.yml:2:14: file:///etc: only https and ssh`,
		"repositories:\n  a/b: {uri: x}":             `daemon.yml:2:9: there is no setting "uri"`,
		"jobs: [":                                    `daemon.yml:1:`,
	} {
		_, err := parseDaemonConfig("daemon.yml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	_, err := parseDaemonConfig("daemon.yml", []byte("jobs: x\npoll: y\n"))
	if err == nil || !strings.Contains(err.Error(), "daemon.yml:1:7") || !strings.Contains(err.Error(), "daemon.yml:2:7") {
		t.Errorf("not all mistakes at once: %v", err)
	}
}

func FuzzDaemonConfig(f *testing.F) {
	f.Add("listen: a\nrepositories:\n  a/b: {url: x, events: [push]}\n")
	f.Add("repositories: {a/b: , c/d: [1]}")
	f.Add("jobs: &a [*a]")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseDaemonConfig("daemon.yml", []byte(text))
		if err == nil && s.Jobs < 0 {
			t.Errorf("%q gives %d jobs", text, s.Jobs)
		}
	})
}
