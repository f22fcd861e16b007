package commands

import "github.com/urfave/cli/v3"

func daemonCommand() *cli.Command {
	return &cli.Command{
		Name:         "daemon",
		Usage:        "serve pipelines to others",
		Commands:     []*cli.Command{tokenCommand()},
		Suggest:      true,
		OnUsageError: usageError,
		Action:       helpOrUnknown,
	}
}
