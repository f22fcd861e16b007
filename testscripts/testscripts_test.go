// Package testscripts holds popsicle's command line to its word: each script
// in testdata runs the real program, with a docker on its PATH that has no
// containers (see fakedocker), and says what must be printed, kept and asked
// of docker.
package testscripts

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/popsicle-ci/popsicle/commands"
	"github.com/popsicle-ci/popsicle/testscripts/fakedocker"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"popsicle": func() { os.Exit(commands.Main(os.Args)) },
		"docker":   func() { os.Exit(fakedocker.Main()) },
	})
}

// TestScripts runs the scripts. UPDATE=1 writes what commands print now into
// those files of a script that it is compared with.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		UpdateScripts:       os.Getenv("UPDATE") != "",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setUp,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"repo":     repo,
			"github":   github,
			"await":    await,
			"registry": registry,
			"api":      api,
		},
	})
}

// setUp gives a script its own history and docker, and commits that are the
// same every time.
func setUp(env *testscript.Env) error {
	work := env.WorkDir
	for name, value := range map[string]string{
		"HOME":                filepath.Join(work, ".home"),
		"POPSICLE_HOME":       filepath.Join(work, ".popsicle-home"),
		"FAKEDOCKER":          filepath.Join(work, ".docker"),
		"LOG":                 filepath.Join(work, ".docker", "docker.log"),
		"POPSICLE_SECRETS":    "file", // the developer's keychain is none of its business
		"LANG":                "C.UTF-8",
		"TZ":                  "UTC",
		"GIT_CONFIG_NOSYSTEM": "1",
		"GORACE":              "atexit_sleep_ms=0", // or every program of a script ends with a second of sleep
		"GIT_AUTHOR_NAME":     "Ada",
		"GIT_AUTHOR_EMAIL":    "ada@example.com",
		"GIT_AUTHOR_DATE":     "2026-01-02T03:04:05Z",
		"GIT_COMMITTER_NAME":  "Ada",
		"GIT_COMMITTER_EMAIL": "ada@example.com",
		"GIT_COMMITTER_DATE":  "2026-01-02T03:04:05Z",
	} {
		env.Setenv(name, value)
	}
	return os.MkdirAll(filepath.Join(work, ".home"), 0o755)
}

// repo makes a git repository of a folder, commits all of it, and goes there:
//
//	repo FOLDER [BRANCH]
func repo(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 || len(args) > 2 {
		ts.Fatalf("usage: repo FOLDER [BRANCH]")
	}
	branch := "main"
	if len(args) == 2 {
		branch = args[1]
	}
	dir := ts.MkAbs(args[0])
	for _, line := range []string{"init --quiet --initial-branch " + branch, "add --all", "commit --quiet --allow-empty --message first"} {
		ts.Check(ts.Exec("git", append([]string{"-C", dir}, strings.Fields(line)...)...))
	}
	ts.Check(ts.Chdir(dir))
}

// await waits until a file is there; without it the script fails:
//
//	await FILE
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await FILE")
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	tooLate := time.After(30 * time.Second)
	for {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-tooLate:
			ts.Fatalf("%s never appeared", args[0])
		}
	}
}

// TestNoDaemonIsAsked proves that scripts cannot reach a real engine.
func TestNoDaemonIsAsked(t *testing.T) {
	fake, err := exec.LookPath("docker")
	if err != nil {
		t.Fatal(err)
	}
	if real := filepath.Dir(fake) == "/usr/bin"; real {
		t.Errorf("docker on PATH is %s: scripts would use the real engine", fake)
	}
}
