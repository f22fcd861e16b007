package realdocker

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/testscripts/images"
)

// secretsConfig prints four secrets in all the ways a careless job finds,
// stores them wherever something can be stored, and fails.
const secretsConfig = `version: 2.1
jobs:
  leak:
    docker:
      - image: popsicle-test/debian
    steps:
      - checkout
      - run:
          name: plain
          command: |
            echo "$SHORT"; echo "$QUOTED"; printf '%s\n' "$PEM"; printf '%s' "$WIDE"
            env
            set -x; : "$SHORT" "$QUOTED" "$WIDE"; set +x
            echo "$SHORT$SHORT$QUOTED" >&2
      - run:
          name: base64
          command: for v in "$SHORT" "$QUOTED" "$PEM" "$WIDE"; do echo "$v" | base64; printf 'a%s' "$v" | base64 -w0; printf 'ab%s' "$v" | base64 -w 20; done
      - run:
          name: quoted
          shell: python3
          command: |
            import base64, html, json, os, shlex, urllib.parse
            for name in "SHORT", "QUOTED", "PEM", "WIDE":
                v = os.environ[name]
                print(urllib.parse.quote(v), urllib.parse.quote(v, safe=""), urllib.parse.quote_plus(v))
                print(json.dumps(v), json.dumps({"v": v}, ensure_ascii=False), shlex.quote(v), html.escape(v))
                print(base64.urlsafe_b64encode(v.encode()).decode(), v.encode().hex())
      - run:
          name: line by line, and slowly
          command: |
            printf '%s\n' "$PEM" | while IFS= read -r line; do echo "line: $line"; done
            printf '%s' "${SHORT:0:5}"; sleep 1; printf '%s\n' "${SHORT:5}"
      - run:
          name: beside the others
          background: true
          command: echo "behind $SHORT"; printf '%s' "$WIDE"; touch /tmp/behind
      - run:
          name: into files
          command: |
            until [ -e /tmp/behind ]; do sleep 0.1; done
            mkdir -p cached shared stored results
            echo "$SHORT" >cached/token; printf '%s\n' "$PEM" >shared/key.pem; echo "$WIDE" >stored/wide.txt
            echo "<testsuite name='s'><testcase name='shows $SHORT'><failure>it was $QUOTED</failure></testcase></testsuite>" >results/r.xml
      - store_test_results: {path: results}
      - store_artifacts: {path: stored}
      - save_cache: {key: "leak-{{ .Environment.SHORT }}", paths: [cached]}
      - persist_to_workspace: {root: shared, paths: ["*"]}
      - run:
          name: ready
          command: touch ready; until [ -e go-on ]; do sleep 0.1; done; echo "failed with $SHORT"; exit 1
workflows:
  main:
    jobs:
      - leak: {context: deploy}
`

// pem looks like a private key, and is none.
const pem = "-----BEGIN EXAMPLE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ\nQyNTUxOQAAACDrVx7Tn0mR2pPq4wzWJx\nZk9vYmFyLWJhei1xdXV4\n-----END EXAMPLE KEY-----"

// theSecrets are variables of a context and of the project.
var theSecrets = map[string]string{
	"SHORT": "s3cr3t-K9x", "QUOTED": `it's "q\uoted" & <more> $HOME`, "PEM": pem, "WIDE": "pässwörd-日本-🍦",
}

// forms are the ways in which a secret must not be found.
func forms(value string) []string {
	escaped, _ := json.Marshal(value) // of a string: never fails
	all := []string{
		value, strings.Trim(string(escaped), `"`), url.QueryEscape(value), url.PathEscape(value),
		base64.StdEncoding.EncodeToString([]byte(value)), base64.URLEncoding.EncodeToString([]byte(value)),
	}
	for line := range strings.Lines(value) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "-----") {
			all = append(all, line)
		}
	}
	return all
}

// findSecrets fails the test where a text holds one of the secrets.
func findSecrets(t *testing.T, where string, text []byte) {
	t.Helper()
	for name, value := range theSecrets {
		for _, form := range forms(value) {
			if at := bytes.Index(text, []byte(form)); at >= 0 {
				t.Errorf("%s holds %s as %q: …%q…", where, name, form, text[max(0, at-60):min(len(text), at+len(form)+20)])
			}
		}
	}
}

// TestNoSecretGetsOut runs a job that shows its secrets in every way it can,
// and looks for them everywhere but in what the job itself stored.
func TestNoSecretGetsOut(t *testing.T) {
	images.Debian(t)
	p := newPlace(t, map[string]string{".popsicle/ci.yml": secretsConfig})
	for name, value := range theSecrets {
		args := []string{"context", "set", "deploy", name}
		if name == "QUOTED" {
			args = []string{"env", "set", name}
		}
		cmd := p.command(args...)
		cmd.Stdin = strings.NewReader(value)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("popsicle %s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
	cmd := p.command("run", "--plain")
	var out lockedBuffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.waitFor("all is stored", func() bool { return strings.Contains(out.String(), "▸ step 13 ready") })
	container := p.live(t)
	inspected, err := exec.Command("docker", "inspect", container).Output()
	if err != nil {
		t.Fatal(err)
	}
	findSecrets(t, "docker inspect", inspected)
	findSecrets(t, "an argument of a process", arguments(t))
	if said, err := exec.Command("docker", "exec", container, "touch", "/root/project/go-on").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	_ = cmd.Wait() // the code is looked at
	if code := cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	findSecrets(t, "the terminal", []byte(out.String()))
	for _, want := range []string{
		"/root/project/cached/token holds the value of SHORT", "/root/project/shared/key.pem holds the value of PEM", "stored/wide.txt", "****",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the run does not say %q:\n%s", want, out.String())
		}
	}
	p.checkHome(t)
	for _, args := range [][]string{{"show", "--json"}, {"logs"}, {"cache", "list"}, {"tests"}, {"artifacts"}} {
		findSecrets(t, "popsicle "+args[0], []byte(p.must(0, args...)))
	}
}

// live is the name of the one container that runs.
func (p place) live(t *testing.T) string {
	t.Helper()
	for _, line := range p.ours() {
		if kind, rest, _ := strings.Cut(line, " "); kind == "container" {
			name, _, _ := strings.Cut(rest, " ")
			return name
		}
	}
	t.Fatal("there is no container")
	return ""
}

// arguments are those of every process of this machine that can be seen.
func arguments(t *testing.T) []byte {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err == nil { // else it has ended
			all = append(append(all, text...), '\n')
		}
	}
	return all
}

// checkHome looks through the bytes of all that popsicle keeps, but for the
// vault, which is there for secrets, and what the job itself stored.
func (p place) checkHome(t *testing.T) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(p.home, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if d != nil && (d.Name() == "contexts" || d.Name() == "stash") {
				return fs.SkipDir
			}
			return err
		}
		text, err := os.ReadFile(file)
		findSecrets(t, file, text)
		files++
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%d files of %s: %v", files, p.home, err)
	}
}
