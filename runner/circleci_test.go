package runner

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A shimHome is the folder of a driver with circleci.sh in it, and a folder to
// work in.
type shimHome struct {
	dir, work string
	shell     []string
	path      string
}

// shimShells are the shells and tools of small images: those of this host,
// and busybox's alone.
func shimShells(t *testing.T) map[string]shimHome {
	t.Helper()
	homes := map[string]shimHome{}
	add := func(name, path string, shell ...string) {
		h := shimHome{dir: t.TempDir(), work: t.TempDir(), shell: shell, path: path}
		if err := os.WriteFile(filepath.Join(h.dir, "circleci.sh"), []byte(commands()), 0o644); err != nil {
			t.Fatal(err)
		}
		homes[name] = h
	}
	add("sh", os.Getenv("PATH"), "sh")
	if busybox, err := exec.LookPath("busybox"); err == nil {
		bin := t.TempDir()
		for _, tool := range strings.Fields("sh awk cat find sort stat tr xargs") {
			if err := os.Symlink(busybox, filepath.Join(bin, tool)); err != nil {
				t.Fatal(err)
			}
		}
		add("busybox", bin, filepath.Join(bin, "sh"))
	}
	return homes
}

// do runs a command of the shim; env is NAME=VALUE.
func (h shimHome) do(stdin string, env []string, args ...string) (stdout, stderr string, code int) {
	script := "_popsicle=" + h.dir + " . " + h.dir + "/circleci.sh"
	cmd := exec.Command(h.shell[0], append([]string{"-c", script, "circleci"}, args...)...)
	cmd.Dir, cmd.Env, cmd.Stdin = h.work, append([]string{"PATH=" + h.path}, env...), strings.NewReader(stdin)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // its code says it
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func TestShimSubst(t *testing.T) {
	env := []string{"A=one", "EMPTY=", "B=two words", `Q=a\nb&"'`}
	tests := []struct{ in, want string }{
		{"$A ${A} $A.x ${A}b", "one one one.x oneb"},
		{"$NONE|${NONE}|", "||"},
		{"${NONE:-d} ${NONE-d} ${EMPTY:-d} ${EMPTY-d} ${A:-d}", "d d d  one"},
		{"${NONE:=d} ${NONE=d} ${EMPTY:=d} ${EMPTY=d} ${A:=d} $NONE", "d d d  one "},
		{"${A:+x} ${A+x} ${EMPTY:+x} ${EMPTY+x} ${NONE:+x} ${NONE+x}", "x x  x  "},
		{"${NONE:-$A}, ${NONE:-${A}}, ${NONE:-${EMPTY:-${B}}}, ${NONE:-a b}", "one, one, two words, a b"},
		{"$$A $ $. 5$ {A} ${A}}", "$A $ $. 5$ {A} one}"},
		{"$Q", `a\nb&"'`},
		{"a\n\n${A}\nlast without end", "a\n\none\nlast without end"},
		{"", ""},
		{"ünï $A ✓\n", "ünï one ✓\n"},
	}
	for name, h := range shimShells(t) {
		t.Run(name, func(t *testing.T) {
			for _, tt := range tests {
				if out, errs, code := h.do(tt.in, env, "env", "subst"); out != tt.want || errs != "" || code != 0 {
					t.Errorf("%q became %q, want %q (%d %s)", tt.in, out, tt.want, code, errs)
				}
			}
			if out, _, code := h.do("", env, "env", "subst", "a $A", "b"); out != "a one b\n" || code != 0 {
				t.Errorf("an argument became %q, %d", out, code)
			}
			for _, bad := range []string{"${A", "${A:-x", "${A:-${B}", "${A@Q}"} {
				if out, errs, code := h.do(bad, env, "env", "subst"); code != 1 || !strings.HasPrefix(errs, "circleci (popsicle): env subst: ") {
					t.Errorf("%q: %q, %q, %d", bad, out, errs, code)
				}
			}
		})
	}
}

func TestShimGlob(t *testing.T) {
	files := []string{
		"a.go", "b.go", "a_test.go", "c.txt", "x/a_test.go", "x/y/b_test.go", "x/y/z/c_test.go", "x/.h/d_test.go",
		"q{r}.go", "s[1].go", "-dash/f.go", "sp ace/it's.go", "t+(u).go",
	}
	tests := []struct {
		patterns []string
		want     []string
	}{
		{[]string{"*_test.go"}, []string{"a_test.go"}},
		{[]string{"**/*_test.go"}, []string{"a_test.go", "x/.h/d_test.go", "x/a_test.go", "x/y/b_test.go", "x/y/z/c_test.go"}},
		{[]string{"x/**/*_test.go"}, []string{"x/.h/d_test.go", "x/a_test.go", "x/y/b_test.go", "x/y/z/c_test.go"}},
		{[]string{"x/*/*_test.go"}, []string{"x/.h/d_test.go", "x/y/b_test.go"}},
		{[]string{"x/**/z/**"}, []string{"x/y/z/c_test.go"}},
		{[]string{"x/y/**"}, []string{"x/y/b_test.go", "x/y/z", "x/y/z/c_test.go"}},
		{[]string{"?.go"}, []string{"a.go", "b.go"}},
		{[]string{"[b-z].go"}, []string{"b.go"}},
		{[]string{"[!a].*"}, []string{"b.go", "c.txt"}},
		{[]string{"[^a].*"}, []string{"b.go", "c.txt"}},
		{[]string{"{a,c}.{go,txt}"}, []string{"a.go", "c.txt"}},
		{[]string{"{a,x/{a_test,y/b_test}}.go"}, []string{"a.go", "x/a_test.go", "x/y/b_test.go"}},
		{[]string{"a.go", "*.go", "./c.*"}, []string{"-dash/f.go", "a.go", "a_test.go", "b.go", "c.txt", "q{r}.go", "s[1].go", "t+(u).go"}[1:]},
		{[]string{"c.txt", "none", "none/*"}, []string{"c.txt"}},
		{[]string{"-dash/*"}, []string{"-dash/f.go"}},
		{[]string{"sp ace/*'*"}, []string{"sp ace/it's.go"}},
		{[]string{`q\{r\}.go`, `s\[1\].go`, "t+(*).go"}, []string{"q{r}.go", "s[1].go", "t+(u).go"}},
		{[]string{"x/*"}, []string{"x/.h", "x/a_test.go", "x/y"}},
		{[]string{"a-go"}, nil},
		{[]string{"a?go"}, []string{"a.go"}},
	}
	for name, h := range shimShells(t) {
		t.Run(name, func(t *testing.T) {
			for _, f := range files {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(h.work, f)), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(h.work, f), nil, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			for _, tt := range tests {
				out, errs, code := h.do("", nil, append([]string{"tests", "glob"}, tt.patterns...)...)
				want := strings.Join(append(slices.Clone(tt.want), ""), "\n")
				if out != want || errs != "" || code != 0 {
					t.Errorf("%q found %q, want %q (%d %s)", tt.patterns, out, want, code, errs)
				}
			}
		})
	}
}

func TestShimRefuses(t *testing.T) {
	for name, h := range shimShells(t) {
		t.Run(name, func(t *testing.T) {
			for _, tt := range []struct{ args, want string }{
				{"tests split --index=2 --total=2", "--index 2 must be less than --total 2"},
				{"tests split --index=x", "must be whole numbers"},
				{"tests split --total=", "must be less than --total"},
				{"tests split --split-by=magic", "there are name, filesize and timings"},
				{"tests split --timings-type=x", "there are filename, classname, testname and autodetect"},
				{"tests split --nonsense=1", "there is no flag --nonsense"},
				{"tests split --index", "--index needs a value"},
				{"tests split no/such/file", "no/such/file cannot be read"},
				{"tests split --timings-file=nope", "nope cannot be read"},
				{"tests run", "--command is missing"},
				{"tests glob", "name a pattern"},
				{"run oidc get", "no OIDC tokens"},
				{"config validate", "popsicle knows step halt"},
				{"", "popsicle knows step halt"},
			} {
				out, errs, code := h.do("a\n", nil, strings.Fields(tt.args)...)
				if code != 1 || out != "" || !strings.Contains(errs, tt.want) {
					t.Errorf("%s: %q, %q, %d", tt.args, out, errs, code)
				}
			}
			if _, _, code := h.do("", nil, "run", "release", "plan", "x"); code != 0 {
				t.Errorf("run release ended with %d", code)
			}
		})
	}
}

func TestShimHalt(t *testing.T) {
	for name, h := range shimShells(t) {
		for _, verb := range []string{"step", "task"} {
			flag := filepath.Join(h.dir, "halt")
			if out, errs, code := h.do("", nil, verb, "halt"); out+errs != "" || code != 0 {
				t.Errorf("%s: %q %q %d", name, out, errs, code)
			}
			if err := os.Remove(flag); err != nil {
				t.Errorf("%s: %s halt: %v", name, verb, err)
			}
		}
	}
}

// What popsicle does not know goes to the circleci of the image, which lies
// behind the shim in PATH.
func TestShimPassesOn(t *testing.T) {
	for name, h := range shimShells(t) {
		bin, shims := t.TempDir(), t.TempDir()
		write := func(file, text string) {
			if err := os.WriteFile(file, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		write(filepath.Join(bin, "circleci"), `echo "real $*"; circleci other`)
		write(filepath.Join(shims, "circleci"), "_popsicle="+h.dir+" . "+h.dir+"/circleci.sh")
		path := "PATH=" + shims + ":" + bin + ":" + h.path
		cmd := exec.Command(filepath.Join(shims, "circleci"), "config", "validate", "a b")
		cmd.Env = []string{path}
		out, _ := cmd.CombinedOutput()
		if text := string(out); !strings.HasPrefix(text, "real config validate a b\n") || !strings.Contains(text, `no command "other"`) {
			t.Errorf("%s: %q", name, text)
		}
	}
}

// parts splits lines on every node, and fails the test unless the parts are
// complete and disjoint.
func (h shimHome) parts(t *testing.T, lines []string, total int, args ...string) [][]string {
	t.Helper()
	var all []string
	var parts [][]string
	for node := range total {
		env := []string{"CIRCLE_NODE_INDEX=" + strconv.Itoa(node), "CIRCLE_NODE_TOTAL=" + strconv.Itoa(total)}
		out, errs, code := h.do(strings.Join(lines, "\n")+"\n", env, append([]string{"tests", "split"}, args...)...)
		if code != 0 {
			t.Fatalf("%v: %d %s", args, code, errs)
		}
		var part []string
		for line := range strings.Lines(out) {
			part = append(part, strings.TrimSuffix(line, "\n"))
		}
		parts, all = append(parts, part), append(all, part...)
	}
	want := slices.Sorted(slices.Values(lines))
	if got := slices.Sorted(slices.Values(all)); !slices.Equal(got, want) {
		t.Fatalf("%v over %d nodes: together %q, want %q", args, total, got, want)
	}
	return parts
}

func (h shimHome) timings(t *testing.T, lines ...string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(h.dir, "timings"), []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestShimSplit(t *testing.T) {
	for name, h := range shimShells(t) {
		t.Run(name, func(t *testing.T) {
			got := h.parts(t, []string{"d", "a", "c", "b", "e"}, 2)
			if want := "[[a c e] [b d]]"; fmt.Sprint(got) != want {
				t.Errorf("by name: %v, want %s", got, want)
			}
			h.timings(t, "filename\t./a\t10", "filename\tb\t6.5", "filename\tc\t5.25", "classname\tx\t1", "testname\ta\t1")
			if got, want := fmt.Sprint(h.parts(t, []string{"c", "b", "a"}, 2, "--split-by=timings")), "[[a] [b c]]"; got != want {
				t.Errorf("by timings: %v, want %s", got, want)
			}
			if got, want := fmt.Sprint(h.parts(t, []string{"x", "y"}, 2, "--split-by", "timings", "--timings-type", "classname", "--time-default=1m30s")), "[[y] [x]]"; got != want {
				t.Errorf("with a default: %v, want %s", got, want)
			}
			for size, file := range []string{"one", "two", "th ree", "four"} {
				if err := os.WriteFile(filepath.Join(h.work, file), make([]byte, 10*size*size), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if got, want := fmt.Sprint(h.parts(t, []string{"one", "two", "th ree", "four", "gone"}, 2, "--split-by=filesize")), "[[four] [th ree two gone one]]"; got != want {
				t.Errorf("by file size: %v, want %s", got, want)
			}
			_, errs, _ := h.do("new\n", nil, "tests", "split", "--split-by=timings")
			if errs != "Error auto-detecting timing type, falling back to weighting by name.\n" {
				t.Errorf("without timings: %q", errs)
			}
			_, errs, _ = h.do("a\nb\nc\n", nil, "tests", "split", "--total=2", "--show-counts")
			if errs != "node 0: 2 of 3\nnode 1: 1 of 3\n" {
				t.Errorf("counts: %q", errs)
			}
			if got := h.parts(t, []string{"only"}, 3); fmt.Sprint(got) != "[[only] [] []]" {
				t.Errorf("one for three: %v", got)
			}
		})
	}
}

// Whatever the lines and times are, the parts are complete, disjoint and the
// same on every node, and no node has much more than another.
func TestShimSplitProperty(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 11))
	for name, h := range shimShells(t) {
		for range 12 {
			var lines, timings []string
			for i := range random.IntN(40) + 1 {
				line := fmt.Sprintf("te st%d/%c\\n'\"$x.py", i, 'a'+rune(random.IntN(26)))
				lines = append(lines, line)
				if random.IntN(3) > 0 {
					timings = append(timings, fmt.Sprintf("filename\t%s\t%.3f", line, random.Float64()*100))
				}
			}
			h.timings(t, timings...)
			total := random.IntN(6) + 1
			for _, by := range []string{"name", "filesize", "timings"} {
				parts := h.parts(t, lines, total, "--split-by="+by)
				if by == "timings" {
					continue
				}
				for _, part := range parts {
					if len(part) < len(lines)/total || len(part) > len(lines)/total+1 {
						t.Errorf("%s by %s: %d of %d lines on one of %d nodes", name, by, len(part), len(lines), total)
					}
				}
			}
		}
	}
}

func TestShimRun(t *testing.T) {
	for name, h := range shimShells(t) {
		t.Run(name, func(t *testing.T) {
			out, errs, code := h.do("b\na\nc\n", []string{"CIRCLE_NODE_TOTAL=2"}, "tests", "run", "--command=cat; echo $((1+1)); exit 3", "-v")
			if out != "a\nc\n2\n" || errs != "a\nc\n" || code != 3 {
				t.Errorf("%q, %q, %d", out, errs, code)
			}
			out, errs, code = h.do("a\n", []string{"CIRCLE_NODE_TOTAL=2", "CIRCLE_NODE_INDEX=1"}, "tests", "run", "--command", "echo ran")
			if out != "" || !strings.Contains(errs, "no tests for this node") || code != 0 {
				t.Errorf("of nothing: %q, %q, %d", out, errs, code)
			}
		})
	}
}
