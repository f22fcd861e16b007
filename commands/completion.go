package commands

import (
	"context"
	"embed"
	"strings"

	"github.com/urfave/cli/v3"
)

// completionScripts are what the shells source, one file a shell. They ask
// `popsicle __complete`. The cli package has scripts too, but those of bash
// and fish lose words with a colon or a space, and PowerShell's does nothing.
//
//go:embed completion
var completionScripts embed.FS

// shells are those with a script.
var shells = []string{"bash", "zsh", "fish", "pwsh"}

func completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print the script by which a shell completes what you type",
		ArgsUsage: "SHELL",
		Description: `Prints the script for SHELL: bash, zsh, fish or pwsh. With it, the tab key
completes commands, flags and their values, and names: of jobs, workflows,
pipelines, contexts, cache keys, runners and remotes. Packages bring it along.

   source <(popsicle completion bash)      in ~/.bashrc
   source <(popsicle completion zsh)       in ~/.zshrc, after compinit
   popsicle completion fish | source       in ~/.config/fish/config.fish

   popsicle completion pwsh | Out-String | Invoke-Expression`,
		Suggest:      true,
		OnUsageError: usageError,
		Action:       completionAction,
	}
}

// CompletionScript is what the named shell sources.
func CompletionScript(shell string) ([]byte, error) {
	return completionScripts.ReadFile("completion/" + shell)
}

func completionAction(_ context.Context, c *cli.Command) error {
	script, err := CompletionScript(c.Args().First())
	if err != nil || c.Args().Len() != 1 {
		return usage("popsicle completion SHELL: there are %s", strings.Join(shells, ", "))
	}
	_, err = stdout(c).Write(script)
	return err
}

// completeCommand is what the scripts ask: the words up to the cursor, the
// last of which may be empty.
func completeCommand() *cli.Command {
	return &cli.Command{
		Name:            "__complete",
		Hidden:          true,
		HideHelp:        true,
		SkipFlagParsing: true,
		Action: func(ctx context.Context, c *cli.Command) error {
			return askedOn(ctx, c.Root(), c.Args().Slice()).answer(stdout(c))
		},
	}
}
