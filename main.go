// Popsicle is a local-first CI: it runs CircleCI pipelines in containers,
// before the push.
package main

import (
	"os"

	"github.com/popsicle-ci/popsicle/commands"
)

func main() { os.Exit(commands.Main(os.Args)) }
