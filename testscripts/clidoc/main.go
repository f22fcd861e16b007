// Clidoc writes the command line down, from what its help says: as one page
// of Markdown (docs/cli.md), as manual pages, one a command, and as the
// completion scripts under the names by which shells find them.
//
//	go run ./testscripts/clidoc dist/share
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/commands"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: clidoc DIR: writes DIR/man/man1/*.1 and the completions")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "clidoc:", err)
		os.Exit(1)
	}
}

// scripts says where a shell looks for completions, below /usr/share.
var scripts = map[string]string{
	"bash": "bash-completion/completions/popsicle",
	"zsh":  "zsh/vendor-completions/_popsicle",
	"fish": "fish/vendor_completions.d/popsicle.fish",
}

// write fills a folder as it may stand for /usr/share.
func write(dir string) error {
	files := map[string][]byte{}
	tree := commands.Tree()
	err := visible(tree, func(c *cli.Command) error {
		files["man/man1/"+manName(c)+".1"] = man(c)
		return nil
	})
	if err != nil {
		return err
	}
	for shell, name := range scripts {
		if files[name], err = commands.CompletionScript(shell); err != nil {
			return err
		}
	}
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// visible calls f with every command that help shows, parents first.
func visible(c *cli.Command, f func(*cli.Command) error) error {
	if c.Hidden {
		return nil
	}
	if err := f(c); err != nil {
		return err
	}
	for _, sub := range c.Commands {
		if err := visible(sub, f); err != nil {
			return err
		}
	}
	return nil
}
