package commands

import "strings"

// argumentListers list what the arguments of a command may be, by its path
// and in their order; the last stands for all that follow where the command
// takes more.
var argumentListers = map[string][]lister{
	"run":             {runnableJobs},
	"show":            {pipelines},
	"logs":            {pipelines},
	"artifacts":       {pipelines},
	"tests":           {pipelines},
	"rerun":           {pipelines},
	"cancel":          {unfinished},
	"approve":         {unfinished, waitingJobs},
	"shell":           {keptPipelines, keptJobs},
	"help":            {func(q *question) []candidate { return subcommands(q.cmd.Root()) }},
	"completion":      {words(shells...)},
	"cache show":      {cacheKeys},
	"cache rm":        {cacheKeys},
	"context set":     {contexts, contextKeys},
	"context list":    {contexts},
	"context rm":      {contexts, contextKeys},
	"env set":         {projectKeys},
	"env rm":          {projectKeys},
	"runners check":   {runnerNames},
	"runners rm":      {runnerNames},
	"remote rm":       {remotes},
	"daemon repo add": {repositories},
	"daemon repo rm":  {repositories},
	"daemon token rm": {tokenNames},
}

// flagListers list what the value of a flag may be, by its name, or by its
// name and that of its command.
var flagListers = map[string]lister{
	"--approve":                 approvals,
	"--branch":                  branches,
	"--color":                   words("auto", "always", "never"),
	"--job":                     jobsOfPipeline,
	"--runner":                  func(q *question) []candidate { return append(runnerNames(q), candidate{localEngine, "this machine"}) },
	"--server":                  remotes,
	"--status":                  func(*question) []candidate { return words(asWords(statuses)...)(nil) },
	"--workflow":                workflows,
	"daemon repo add --context": contexts,
	"daemon repo add --event":   words("push", "pull_request", "schedule"),
}

func (q *question) flagLister(name string) lister {
	if list := flagListers[typedName(q.cmd)+" --"+name]; list != nil {
		return list
	}
	return flagListers["--"+name]
}

// argumentLister lists the argument at the cursor, or is nil.
func argumentLister(q *question) lister {
	all := argumentListers[typedName(q.cmd)]
	switch n := len(q.args); {
	case n < len(all):
		return all[n]
	case len(all) > 0 && strings.Contains(q.cmd.ArgsUsage, "…"):
		return all[len(all)-1]
	}
	return nil
}
