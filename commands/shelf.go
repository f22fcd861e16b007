package commands

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/commands/term"
	"github.com/popsicle-ci/popsicle/commands/vault"
)

// valueInArguments refuses a command line that does not have exactly what it
// takes. A value among it was seen by every process: it is not repeated.
func valueInArguments(c *cli.Command, takes int, form string) error {
	switch n := c.Args().Len(); {
	case n > takes, n == takes && strings.Contains(c.Args().Get(takes-1), "="):
		return usage("%s: the value is not an argument, which every process sees and the shell remembers: it is asked for, or read from standard input (%s <FILE)", form, form)
	case n < takes:
		return usage("%s: say what to set", form)
	}
	return nil
}

func setVariable(c *cli.Command, s vault.Shelf, key string) error {
	v, err := openVault()
	if err != nil {
		return err
	}
	if err := vault.Check(s, key, "some value"); err != nil {
		return usageErr{err} // before anything is typed
	}
	value, err := readValue(c, key)
	if err != nil {
		return err
	}
	if err := vault.Check(s, key, value); err != nil {
		return usageErr{err}
	}
	if err := v.Set(s, key, value); err != nil {
		return vaultError(err)
	}
	if len(value) < 4 {
		fmt.Fprintf(c.Root().ErrWriter, "popsicle: %s is shorter than four characters: it will not be masked in output\n", key)
	}
	_, err = fmt.Fprintf(stdout(c), "%s of %s %s is kept in %s\n", key, s.Kind, s.Name, v.File())
	return err
}

// readValue reads a value from the terminal, which does not show it, or from
// what standard input is instead.
func readValue(c *cli.Command, key string) (string, error) {
	if in, ok := c.Root().Reader.(*os.File); ok && term.IsTerminal(in) {
		return term.Hidden(in, os.Stderr, "Value of "+key+": ")
	}
	text, err := io.ReadAll(io.LimitReader(c.Root().Reader, 1<<20))
	if err != nil {
		return "", fmt.Errorf("standard input: %w", err)
	}
	value := strings.TrimSuffix(string(text), "\n")
	return strings.TrimSuffix(value, "\r"), nil
}

func removeVariable(c *cli.Command, s vault.Shelf, key string) error {
	v, err := openVault()
	if err != nil {
		return err
	}
	err = v.Remove(s, key)
	switch {
	case errors.Is(err, fs.ErrNotExist) && s.Kind == vault.Project:
		return usage("no variable %s is set for this project: popsicle env list", key)
	case errors.Is(err, fs.ErrNotExist) && key != "":
		return usage("context %s has no variable %s: popsicle context list", s.Name, key)
	case errors.Is(err, fs.ErrNotExist):
		return usage("no context is named %s: popsicle context list", s.Name)
	case err != nil:
		return vaultError(err)
	}
	if key == "" {
		key = "all"
	}
	_, err = fmt.Fprintf(stdout(c), "%s of %s %s is forgotten\n", key, s.Kind, s.Name)
	return err
}

// A listedShelf is a context or a project as `list --json` has it.
type listedShelf struct {
	Name string   `json:"name"`
	Keys []string `json:"keys"`
}

// listShelves lists one shelf, or all of a kind where name is empty.
func listShelves(c *cli.Command, kind vault.Kind, name, none string) error {
	v, err := openVault()
	if err != nil {
		return err
	}
	names, keys, err := v.Shelves(kind)
	if err != nil {
		return vaultError(err)
	}
	listed := []listedShelf{}
	for _, n := range names {
		if name == "" || n == name {
			listed = append(listed, listedShelf{n, keys[n]})
		}
	}
	if name != "" && len(listed) == 0 && kind == vault.Context {
		return usage("no context is named %s: popsicle context list", name)
	}
	if c.Bool("json") {
		e := json.NewEncoder(stdout(c))
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(listed)
	}
	if len(listed) == 0 {
		_, err := fmt.Fprintln(c.Root().ErrWriter, none)
		return err
	}
	var errs error
	for _, s := range listed {
		_, err := fmt.Fprintf(stdout(c), "%s\n  %s\n", s.Name, strings.Join(s.Keys, "\n  "))
		errs = errors.Join(errs, err)
	}
	return errs
}
