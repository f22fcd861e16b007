package runner

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"text/template"
	"text/template/parse"
	"time"

	"github.com/popsicle-ci/popsicle/runner/plan"
)

// maxKey is the length of the longest key, in characters.
// https://circleci.com/docs/guides/optimize/caching/#using-keys-and-templates
const maxKey = 900

// keyData is what the template of a key can name.
type keyData struct {
	Branch, BuildNum, Revision, CheckoutKey string
	Environment                             map[string]string
}

// A keyMaker makes keys of caches of their templates.
type keyMaker struct {
	data     keyData
	checksum func(file string) (string, error)
	arch     func() (string, error)
	now      func() time.Time
}

// make returns the key of a template, at the time and place of the step.
func (m keyMaker) make(text string) (string, error) {
	t, err := template.New("key").Funcs(template.FuncMap{
		"checksum": m.checksum,
		"arch":     m.arch,
		"epoch":    func() string { return strconv.FormatInt(m.now().Unix(), 10) },
	}).Parse(text)
	if err != nil {
		return "", inKey(err)
	}
	if t.Tree == nil {
		return "", errors.New("the key is empty")
	}
	for _, part := range t.Templates() {
		if err := terminates(part.Root); err != nil {
			return "", err
		}
	}
	var b strings.Builder
	if err := t.Execute(&limited{w: &b, left: 4 * maxKey}, m.data); err != nil {
		return "", inKey(err)
	}
	key := strings.TrimSpace(b.String())
	switch n := len([]rune(key)); {
	case key == "":
		return "", errors.New("the key is empty")
	case n > maxKey:
		return "", fmt.Errorf("the key has %d characters: at most %d", n, maxKey)
	}
	return key, nil
}

// inKey drops what text/template says of its own names.
func inKey(err error) error {
	text := strings.TrimPrefix(err.Error(), "template: ")
	if wrapped := errors.Unwrap(err); wrapped != nil && !errors.As(err, new(template.ExecError)) {
		err = wrapped
	}
	var exec template.ExecError
	if errors.As(err, &exec) && errors.Unwrap(exec.Err) != nil {
		return errors.Unwrap(exec.Err)
	}
	return errors.New(text)
}

// terminates refuses what can make a template run for ever.
func terminates(n parse.Node) error {
	switch n := n.(type) {
	case *parse.RangeNode:
		return errors.New("{{ range }} has no place in a key")
	case *parse.TemplateNode:
		return errors.New("{{ template }} has no place in a key")
	case *parse.IfNode:
		return errors.Join(terminates(n.List), terminates(n.ElseList))
	case *parse.WithNode:
		return errors.Join(terminates(n.List), terminates(n.ElseList))
	case *parse.ListNode:
		if n == nil {
			return nil
		}
		for _, child := range n.Nodes {
			if err := terminates(child); err != nil {
				return err
			}
		}
	}
	return nil
}

// limited writes no more than so many bytes.
type limited struct {
	w    io.Writer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left < 0 {
		return 0, fmt.Errorf("the key has more than %d characters", maxKey)
	}
	return l.w.Write(p)
}

// keys returns what makes the keys of a cache step.
func (j *job) keys(ctx context.Context) keyMaker {
	r, h := j.runner, j.session.hello
	env := map[string]string{}
	for _, v := range layers(r.secrets(j.plan), r.Build.vars(j.at, j.plan, h)) {
		env[v.Name] = r.fingerprint(v)
	}
	home := expand(j.plan.WorkDir, h.Home, h.Home)
	sums := map[string]string{} // restore_cache often has several keys of one file
	return keyMaker{
		data: keyData{Branch: r.Build.Branch, BuildNum: env["CIRCLE_BUILD_NUM"], Revision: r.Build.Head.Commit, Environment: env},
		now:  time.Now,
		arch: func() (string, error) { return j.arch(ctx) },
		checksum: func(file string) (sum string, err error) {
			if sum = sums[file]; sum == "" {
				sum, err = j.checksum(ctx, expand(file, home, h.Home))
				sums[file] = sum
			}
			return sum, err
		},
	}
}

// fingerprint is the value of a variable as keys show it: keys are on the
// screen and in the history, where a secret is never itself.
func (r *Runner) fingerprint(v plan.Var) string {
	if r.Mask.String(v.Value) == v.Value {
		return v.Value
	}
	sum := sha256.Sum256([]byte(v.Name + "=" + v.Value))
	return hex.EncodeToString(sum[:6])
}

// checksum is the SHA-256 of a file in the container, in base64.
func (j *job) checksum(ctx context.Context, file string) (string, error) {
	sum := sha256.New()
	code, said, err := j.outside(ctx, "exec cat <"+quote(file), nil, sum)
	if err != nil {
		return "", err
	}
	if code != 0 {
		_, why, found := strings.Cut(said, file+": ")
		if !found {
			why = said
		}
		return "", noChecksum{file, why}
	}
	return base64.StdEncoding.EncodeToString(sum.Sum(nil)), nil
}

// noChecksum says that a key names a file that cannot be read.
type noChecksum struct{ file, why string }

func (e noChecksum) Error() string { return fmt.Sprintf("checksum %q: %s", e.file, e.why) }

// arch names the processor as CircleCI does: arch1-linux-amd64-6_62 is a
// processor of family 6, model 62.
func (j *job) arch(ctx context.Context) (string, error) {
	name := "arch1-linux-" + runtime.GOARCH
	if image, err := j.image(ctx); err == nil && image.Arch != "" {
		name = "arch1-linux-" + image.Arch
	}
	var info bytes.Buffer
	if _, _, err := j.outside(ctx, "exec cat </proc/cpuinfo", nil, &info); err != nil {
		return "", err
	}
	return name + cpuModel(info.String()), nil
}

// cpuModel is "-6_62" of what /proc/cpuinfo says, and nothing where a
// processor has no such numbers.
func cpuModel(cpuinfo string) string {
	values := map[string]string{}
	for line := range strings.Lines(cpuinfo) {
		name, value, _ := strings.Cut(line, ":")
		name = strings.TrimSpace(name)
		if name == "" {
			break // the other processors are like the first
		}
		values[name] = strings.TrimSpace(value)
	}
	if values["cpu family"] == "" || values["model"] == "" {
		return ""
	}
	return "-" + values["cpu family"] + "_" + values["model"]
}
