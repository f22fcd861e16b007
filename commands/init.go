package commands

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/commands/starter"
	"github.com/popsicle-ci/popsicle/commands/starter/actions"
	"github.com/popsicle-ci/popsicle/gitops"
)

// starting is the config that init writes.
const starting = ".popsicle/ci.yml"

func initCommand() *cli.Command {
	return &cli.Command{
		Name:  "init",
		Usage: "write a first config from what this checkout holds",
		Description: `Writes ` + starting + `. Workflows of GitHub Actions are carried over: what has
no counterpart stands as a comment where it was. Without any it looks for
go.mod, package.json, pyproject.toml, requirements.txt, Cargo.toml, Gemfile,
pom.xml, build.gradle, composer.json, mix.exs or a Makefile, and writes a job
for each language. An existing config is never changed: .circleci/config.yml
runs as it is.

   popsicle init
   popsicle init --print            show it, and write nothing
   popsicle init --from languages   do not look at .github/workflows`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "from", Usage: "make it from `WHAT`: actions, languages, or actions where there are any (auto)", Value: "auto", Validator: oneOf("from", "auto", "actions", "languages")},
			&cli.BoolFlag{Name: "print", Usage: "print the config instead of writing it"},
			&cli.StringFlag{Name: "dir", Aliases: []string{"C"}, Usage: "the checkout that holds `DIR`", Value: "."},
		},
		Suggest:      true,
		OnUsageError: usageError,
		Action:       initAction,
	}
}

func initAction(_ context.Context, c *cli.Command) error {
	top := gitops.Top(c.String("dir"))
	if top == "" {
		return fmt.Errorf("%s: %w", c.String("dir"), gitops.ErrNotRepository)
	}
	if !c.Bool("print") {
		if done, err := already(c, top); done || err != nil {
			return err
		}
	}
	text, told, err := firstConfig(os.DirFS(top), c.String("from"))
	if err != nil {
		return err
	}
	if c.Bool("print") {
		fmt.Fprint(stdout(c), text)
		return nil
	}
	if err := create(filepath.Join(top, filepath.FromSlash(starting)), text); err != nil {
		return err
	}
	fmt.Fprintf(stdout(c), "%swrote %s: popsicle run tries it\n", told, starting)
	return nil
}

// firstConfig makes a config from the workflows or languages of a checkout,
// and says what it was made from.
func firstConfig(tree fs.FS, from string) (text, told string, err error) {
	if from != "languages" {
		c, err := actions.Convert(tree)
		if err == nil || from == "actions" {
			return c.Text, tellActions(c), err
		}
	}
	jobs, err := starter.Find(tree)
	if err != nil {
		return "", "", usage("%w: there is no go.mod, package.json, pyproject.toml, Makefile with a test target …\n  docs/getting-started.md shows a config to begin with", err)
	}
	for _, j := range jobs {
		told += fmt.Sprintf("job %s on %s, from %s\n", j.Name, j.Image, j.Found)
	}
	return starter.Config(jobs), told, nil
}

// tellActions says what became of workflows.
func tellActions(c actions.Config) string {
	var b strings.Builder
	for _, j := range c.Jobs {
		fmt.Fprintf(&b, "job %s on %s, from %s\n", j.Name, j.Image, j.Found)
	}
	for _, l := range c.Left {
		fmt.Fprintf(&b, "left out: %s\n", l)
	}
	return b.String()
}

// already says which config the checkout has, where it has one.
func already(c *cli.Command, top string) (bool, error) {
	found, err := filepath.Glob(filepath.Join(top, ".popsicle", "*.y*ml"))
	if err != nil {
		return false, err
	}
	if len(found) > 0 {
		rel, _ := filepath.Rel(top, found[0]) // both are absolute
		return true, usage("%s is there already, and is left as it is\n  popsicle run runs it; popsicle init --print shows what init would write", filepath.ToSlash(rel))
	}
	if _, err := os.Stat(filepath.Join(top, ".circleci", "config.yml")); err == nil {
		fmt.Fprintln(stdout(c), ".circleci/config.yml is there and runs as it is: popsicle run\npopsicle config validate checks it; popsicle init --print shows a config of popsicle's own")
		return true, nil
	}
	return false, nil
}

// create writes a new file, and none that is there.
func create(file, text string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return usage("%s is there already, and is left as it is", file)
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
