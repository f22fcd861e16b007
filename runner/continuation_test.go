package runner

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestCurlShim calls the shim as scripts call curl, in every shell there is.
func TestCurlShim(t *testing.T) {
	const api = "https://circleci.com/api/v2/pipeline/continue"
	tests := []struct {
		name, script, prints, posted string
	}{
		{"as the orb does", `curl --retry 5 --retry-delay 0 -o /dev/stderr -w '%{http_code}' -XPOST -H "Content-Type: application/json" --data "@body" ` + api + ` 2>/dev/null`, "200", "{\"a\": 1}\n"},
		{"long options", `curl --silent --output answer --write-out 'code %{response_code}\n' --request POST --header 'A: b' --data-binary @body --proto =https ` + api + ` && cat answer`, "code 200\n{\"message\":\"accepted\"}\n", "{\"a\": 1}\n"},
		{"letters together", `curl -sSfo answer -X POST -d '{"b": "c d"}' ` + api + ` && cat answer`, "{\"message\":\"accepted\"}\n", `{"b": "c d"}`},
		{"standard input", `echo '{}' | curl -sd@- ` + api, "{\"message\":\"accepted\"}\n", "{}\n"},
		{"raw", `curl -s --data-raw '@x' ` + api, "{\"message\":\"accepted\"}\n", "@x"},
		{"twice", `curl -sd 1 ` + api + `; curl -s -w '%{http_code}' -d 2 ` + api, "{\"message\":\"accepted\"}\n{\"message\":\"the pipeline was continued already\"}\n400", "1"},
		{"twice, asking for a failure", `curl -sd 1 ` + api + ` && curl -sfd 2 ` + api + `; echo $?`, "{\"message\":\"accepted\"}\n{\"message\":\"the pipeline was continued already\"}\n22\n", "1"},
		{"nothing posted", `curl -w ' %{http_code}' -X POST ` + api, "{\"message\":\"the body is missing\"}\n 400", ""},
		{"no such file", `curl -d @missing ` + api + ` 2>/dev/null; echo $?`, "26\n", ""},
		{"another address is the real curl's", `curl -o x "a b" https://example.com/api/v2/pipeline/continued`, "real [-o] [x] [a b] [https://example.com/api/v2/pipeline/continued]\n", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "body", "{\"a\": 1}\n")
			write(t, dir, "real/curl", "#!/bin/sh\nprintf real\nfor a; do printf ' [%s]' \"$a\"; done\necho\n")
			shims := filepath.Join(dir, "shims")
			cmd := exec.Command("sh", "-c", "PATH="+dir+"/real:$PATH\n"+install(shims, []shim{{"curl", curlShim}})+test.script)
			cmd.Dir, cmd.Stderr = dir, os.Stderr
			out, err := cmd.Output()
			if err != nil || string(out) != test.prints {
				t.Errorf("%v, it prints\n%q, want\n%q", err, out, test.prints)
			}
			posted, _ := os.ReadFile(filepath.Join(shims, "continuation")) // empty where there is none
			if string(posted) != test.posted {
				t.Errorf("posted %q, want %q", posted, test.posted)
			}
			if rest, _ := filepath.Glob(shims + "/body*"); len(rest) > 0 && test.name != "no such file" {
				t.Errorf("left: %v", rest)
			}
		})
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestContinuations(t *testing.T) {
	var c Continuations
	key := c.key("ci.yml")
	if key == c.key("other.yml") || key != c.key("ci.yml") {
		t.Fatal("each setup config has a key of its own, which stays")
	}
	refused := []struct{ body, says string }{
		{`{`, "not what the API takes"},
		{`{"continuation-key": "` + key + `"}`, "no configuration"},
		{`{"continuation-key": "other", "configuration": ""}`, "send $CIRCLE_CONTINUATION_KEY"},
		{`{"continuation-key": "` + key + `", "configuration": "", "parameters": {"p": [1]}}`, "parameter p is [1]"},
		{`{"continuation-key": "` + key + `", "configuration": "", "parameters": {"p": null}}`, "parameter p is null"},
	}
	for _, test := range refused {
		if err := c.take("ci.yml", "a", []byte(test.body)); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %q", test.body, err, test.says)
		}
	}
	if _, ok := c.Of("ci.yml"); ok {
		t.Error("what was refused continues nothing")
	}
	body := `{"continuation-key": "` + key + `", "configuration": "version: 2.1\n", "parameters": {"b": true, "n": 3, "s": "a \"b\""}}`
	if err := c.take("ci.yml", "a", []byte(body)); err != nil {
		t.Fatal(err)
	}
	got, ok := c.Of("ci.yml")
	if !ok || got.Job != "a" || got.Config != "version: 2.1\n" || got.Parameters["b"] != "true" || got.Parameters["n"] != "3" || got.Parameters["s"] != `a "b"` {
		t.Errorf("%v %+v", ok, got)
	}
	if err := c.take("ci.yml", "b", []byte(body)); err == nil || !strings.Contains(err.Error(), "job a has continued the pipeline already") {
		t.Errorf("a second time: %v", err)
	}
}

// FuzzContinuation looks for bodies that make the reader panic.
func FuzzContinuation(f *testing.F) {
	f.Add([]byte(`{"continuation-key": "k", "configuration": "", "parameters": {"a": 1, "b": "c", "d": false}}`))
	f.Fuzz(func(_ *testing.T, body []byte) { _, _, _ = parseContinuation(body) })
}
