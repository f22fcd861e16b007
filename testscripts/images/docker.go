package images

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// stored is what Docker has under an image name; the zero value where it has
// nothing.
type stored struct {
	id     string
	recipe string // value of our label; empty: made by somebody else
}

// inspect looks an image name up.
func inspect(ctx context.Context, name string) (stored, error) {
	out, err := docker(ctx, nil, "image", "inspect", "--format", `{{.Id}} {{with .Config}}{{with .Labels}}{{index . "`+label+`"}}{{end}}{{end}}`, name)
	if err != nil {
		return stored{}, unlessAbsent(err)
	}
	id, recipe, _ := strings.Cut(strings.TrimSpace(out), " ")
	return stored{id: id, recipe: strings.Trim(recipe, `"`)}, nil
}

// remove removes an image or a name, unless it is gone already.
func remove(ctx context.Context, name string) error {
	_, err := docker(ctx, nil, "image", "rm", name)
	return unlessAbsent(err)
}

// unlessAbsent forgives that an image is not there.
func unlessAbsent(err error) error {
	if err != nil && strings.Contains(strings.ToLower(err.Error()), "no such image") {
		return nil
	}
	return err
}

// importTar makes an image of one layer. The changes are Dockerfile lines.
func importTar(ctx context.Context, tar io.Reader, t target, changes ...string) error {
	args := []string{"import", "--change", labelLine(t.recipe)}
	for _, c := range changes {
		args = append(args, "--change", c)
	}
	_, err := docker(ctx, tar, append(args, "-", t.name)...)
	return err
}

// build makes an image from a context, a tar with a Dockerfile in it.
func build(ctx context.Context, files io.Reader, t target) error {
	_, err := docker(ctx, files, "build", "--quiet", "--label", label+"="+t.recipe, "--tag", t.name, "-")
	return err
}

// addLayer makes an image of its base with files of a tar, what a script does
// then, if there is one, and Dockerfile lines. It is one layer: each costs
// seconds where the engine has to compare whole trees for it.
func addLayer(ctx context.Context, t target, files io.Reader, script string, changes ...string) error {
	create := []string{"create", t.base}
	if script != "" {
		create = append(create, "sh", "-c", script)
	}
	id, err := docker(ctx, nil, create...)
	if err != nil {
		return err
	}
	id = strings.TrimSpace(id)
	err = fill(ctx, id, files, script)
	if err == nil {
		commit := []string{"commit", "--change", labelLine(t.recipe)}
		for _, c := range changes {
			commit = append(commit, "--change", c)
		}
		_, err = docker(ctx, nil, append(commit, id, t.name)...)
	}
	_, rmErr := docker(context.WithoutCancel(ctx), nil, "rm", "--force", id)
	return errors.Join(err, rmErr)
}

// fill puts files into a container, and runs its script.
func fill(ctx context.Context, id string, files io.Reader, script string) error {
	if _, err := docker(ctx, files, "cp", "-", id+":/"); err != nil || script == "" {
		return err
	}
	_, err := docker(ctx, nil, "start", "--attach", id)
	return err
}

func labelLine(recipe string) string { return fmt.Sprintf("LABEL %s=%q", label, recipe) }

// docker runs the docker command line and returns what it prints. An error
// ends in what docker said.
func docker(ctx context.Context, stdin io.Reader, args ...string) (string, error) {
	return run(ctx, "", stdin, "docker", args...)
}

// run runs a program in a folder and returns its standard output.
func run(ctx context.Context, dir string, stdin io.Reader, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Stdin = stdin
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		return "", fmt.Errorf("%s is not installed: %w", name, err)
	}
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, args[0], err, last(said.String()+out.String()))
	}
	return out.String(), nil
}

// last returns the end of a long text: that is where programs say what went
// wrong.
func last(s string) string {
	const limit = 1000
	s = strings.TrimSpace(s)
	return s[max(0, len(s)-limit):]
}
