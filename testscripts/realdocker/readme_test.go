package realdocker

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A typed line is a command that a page shows, and what it says comes out.
type typed struct {
	command string
	output  string
}

// typedIn finds the commands in the console blocks of a page. A command is a
// line that begins with "$ "; lines up to the next are its output.
func typedIn(page string) []typed {
	var all []typed
	inside := false
	for line := range strings.Lines(page) {
		switch {
		case strings.HasPrefix(line, "```"):
			inside = strings.TrimSpace(line) == "```console"
		case !inside:
		case strings.HasPrefix(line, "$ "):
			all = append(all, typed{command: strings.TrimSpace(line[2:])})
		case len(all) > 0:
			all[len(all)-1].output += line
		}
	}
	return all
}

// A reader types what a page shows, beginning in popsicle's source.
type reader struct {
	place
	top string // popsicle's source
	tmp string // where temporary folders are made
}

func newReader(t *testing.T) *reader {
	t.Helper()
	top, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{place: place{t: t, dir: top, home: filepath.Join(t.TempDir(), "home")}, top: top, tmp: t.TempDir()}
	t.Cleanup(func() { r.checkClean() })
	return r
}

// goesOn is where docs/examples/try says that its copy is.
var goesOn = regexp.MustCompile(`(?m)^to go on: cd (.*)$`)

// mistake begins what popsicle says about a wrong usage or config.
var mistake = regexp.MustCompile(`^popsicle: |^\S+:\d+:\d+: error: `)

// follow types one command and compares what comes out. Where a run is shown
// to fail the exit code is 1, after an error of popsicle's own 2, otherwise 0.
func (r *reader) follow(one typed) {
	r.t.Helper()
	out, code := r.terminal(one.command)
	want := 0
	switch {
	case strings.Contains(one.output, "\n✗ #"):
		want = 1
	case mistake.MatchString(one.output):
		want = 2
	}
	if code != want {
		r.t.Fatalf("$ %s\nexit code %d, want %d\n%s", one.command, code, want, out)
	}
	if !pattern(one.output).MatchString(plainly(r.forReaders(out))) {
		r.t.Errorf("$ %s\nprints\n%s\nand the page says\n%s", one.command, r.forReaders(out), one.output)
	}
	if found := goesOn.FindStringSubmatch(out); found != nil {
		r.dir = found[1]
	}
}

// terminal runs a line of shell on a terminal of its own, one that cannot move
// its cursor.
func (r *reader) terminal(line string) (out string, code int) {
	r.t.Helper()
	program, err := program()
	if err != nil {
		r.t.Fatal(err)
	}
	cmd := exec.Command("script", "--quiet", "--return", "--command", "stty rows 40 cols 100; "+line, os.DevNull)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(),
		"POPSICLE_HOME="+r.home, "POPSICLE_SECRETS=file", "PATH="+filepath.Dir(program)+":"+os.Getenv("PATH"),
		"TMPDIR="+r.tmp, "TERM=dumb", "LANG=C.UTF-8", "SHELL=/bin/sh",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com")
	said, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		r.t.Fatalf("script(1) is needed for a terminal: %v", err)
	}
	return strings.ReplaceAll(string(said), "\r\n", "\n"), cmd.ProcessState.ExitCode()
}

// forReaders replaces this test's folders by those of a reader.
func (r *reader) forReaders(out string) string {
	return strings.NewReplacer(r.home, "/home/ada/.local/share/popsicle", r.tmp, "/tmp").Replace(out)
}

// varies are the parts of an output that are different every time, and what
// stands for them.
var varies = []struct {
	what *regexp.Regexp
	as   string
}{
	{regexp.MustCompile(`(?m)^critical path .*$`), "critical path"},
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?`), "DATE"},
	{regexp.MustCompile(`\bnow\b|\b\d+[smhd] ago\b`), "AGE"},
	{regexp.MustCompile(`\b\d+ files\b`), "FILES"},
	{regexp.MustCompile(`\barch\d+-linux-\w+-\w+`), "ARCH"},
	{regexp.MustCompile(`[\w+/]{43}=`), "SUM"},
	{regexp.MustCompile(`SUM +\d+\b`), "SUM COUNT"},
	{regexp.MustCompile(`\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b`), "UUID"},
	{regexp.MustCompile(`\b(\d+h)?(\d+m)?\d+(\.\d+)?m?s\b`), "TIME"},
	{regexp.MustCompile(`\b\d+(\.\d+)? (B|kB|MB|GB)\b`), "SIZE"},
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "SUM"},
	{regexp.MustCompile(`\b[0-9a-f]{7}\b`), "COMMIT"},
	{regexp.MustCompile(`/tmp/tmp\.\w+`), "/tmp/tmp.X"},
	{regexp.MustCompile(`(?m)[ \t]+`), " "},
	{regexp.MustCompile(`(?m) $`), ""},
}

// plainly is a text without what varies.
func plainly(text string) string {
	for _, v := range varies {
		text = v.what.ReplaceAllString(text, v.as)
	}
	return strings.TrimSpace(text) + "\n"
}

// pattern matches, without what varies, the output that a page shows. A line
// that holds "…" alone stands for any number of lines.
func pattern(output string) *regexp.Regexp {
	expr := ""
	for line := range strings.Lines(plainly(output)) {
		if strings.TrimSpace(line) == "…" {
			expr += `(.*\n)*?`
			continue
		}
		expr += regexp.QuoteMeta(line)
	}
	return regexp.MustCompile(`^` + expr + `$`)
}

func TestPagesAreRead(t *testing.T) {
	const page = "Type:\n\n```console\n$ popsicle run\n…\n✓ build  1.0s\n\n✓ #1 passed in 1.2s (1 passed)\n$ popsicle tests\n```\n\n    $ not this\n"
	all := typedIn(page)
	if len(all) != 2 || all[0].command != "popsicle run" || all[1] != (typed{command: "popsicle tests"}) {
		t.Fatalf("%q", all)
	}
	for out, want := range map[string]bool{
		"#1 go main\nlook | a\n✓ build   12.5s\n\n✓ #1 passed in 1m2s (1 passed)\n": true,
		"✓ build   12.5s\n\n✓ #1 passed in 1m2s (1 passed)\n":                       true,
		"✓ built   12.5s\n\n✓ #1 passed in 1m2s (1 passed)\n":                       false,
		"✓ build   12.5s\n\n✓ #1 passed in 1m2s (1 passed)\nmore\n":                 false,
	} {
		if got := pattern(all[0].output).MatchString(plainly(out)); got != want {
			t.Errorf("%v, want %v, for\n%s", got, want, out)
		}
	}
}
