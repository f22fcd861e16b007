package commands

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/runner/config/schema"
)

// otherWords say what popsicle's command is for one that people know from
// other tools (circleci, gh, act, bk): by the full name of the command before
// it, and the word.
var otherWords = map[string]string{
	"popsicle agent":      "popsicle daemon takes pushes",
	"popsicle artifact":   "popsicle artifacts lists and fetches them",
	"popsicle build":      "popsicle run, or popsicle run JOB",
	"popsicle check":      "popsicle config validate",
	"popsicle ci":         "popsicle run",
	"popsicle diagnostic": "popsicle doctor",
	"popsicle exec":       "popsicle run JOB, or popsicle shell to look into a job",
	"popsicle execute":    "popsicle run, or popsicle run JOB",
	"popsicle follow":     "popsicle logs -f",
	"popsicle graph":      "popsicle config graph",
	"popsicle info":       "popsicle doctor",
	"popsicle job":        "popsicle run JOB runs one, popsicle show PIPELINE lists those of a pipeline",
	"popsicle lint":       "popsicle config validate",
	"popsicle list":       "popsicle run --dry-run lists what would run, popsicle history what ran",
	"popsicle local":      "popsicle run runs everything, popsicle run JOB one job",
	"popsicle ls":         "popsicle run --dry-run lists what would run, popsicle history what ran",
	"popsicle open":       "popsicle daemon has pages, popsicle show PIPELINE says the same here",
	"popsicle pipeline":   "popsicle run runs it, popsicle history lists those that ran",
	"popsicle process":    "popsicle config process",
	"popsicle ps":         "popsicle history lists pipelines, those that run too",
	"popsicle push":       "popsicle run --branch NAME plays a branch",
	"popsicle retry":      "popsicle rerun",
	"popsicle setup":      "popsicle init writes a first config, popsicle doctor says what is missing",
	"popsicle start":      "popsicle run",
	"popsicle status":     "popsicle show",
	"popsicle step":       "popsicle rerun PIPELINE JOB --from-step STEP",
	"popsicle stop":       "popsicle cancel PIPELINE",
	"popsicle test":       "popsicle run runs the pipeline, popsicle tests lists the results of its tests",
	"popsicle trigger":    "popsicle run",
	"popsicle up":         "popsicle run",
	"popsicle update":     "the package manager that brought popsicle updates it",
	"popsicle validate":   "popsicle config validate",
	"popsicle var":        "popsicle env set NAME",
	"popsicle variable":   "popsicle env set NAME",
	"popsicle view":       "popsicle show PIPELINE",
	"popsicle watch":      "popsicle logs -f",
	"popsicle workflow":   "popsicle run --workflow WORKFLOW runs one, popsicle history lists pipelines",

	"popsicle config generate": "popsicle init",
	"popsicle config init":     "popsicle init",
	"popsicle config lint":     "popsicle config validate",
	"popsicle config check":    "popsicle config validate",
	"popsicle config pack":     "configs may be several files: each .popsicle/*.yml is read; orbs are packed by popsicle orb pack",
	"popsicle orb process":     "popsicle orb pack prints an orb in one piece, popsicle config process a config that uses it",
	"popsicle orb validate":    "popsicle config validate checks the orbs that a config uses, popsicle orb pack an unpacked one",
	"popsicle orb source":      "popsicle orb vendor brings the sources of the orbs that are used",
}

// otherFlags say what popsicle has for a flag of other tools: of one command,
// or of every one that has no such flag.
var otherFlags = map[string]string{
	"popsicle run job":       "popsicle run JOB names jobs without a flag",
	"popsicle run l":         "popsicle run --dry-run lists what would run",
	"popsicle run list":      "popsicle run --dry-run lists what would run",
	"popsicle run n":         "popsicle run --dry-run",
	"popsicle run f":         "popsicle run --config FILE",
	"popsicle run file":      "popsicle run --config FILE",
	"popsicle run W":         "popsicle run --config FILE, or --workflow NAME",
	"popsicle run workflows": "popsicle run --config FILE, or --workflow NAME",
	"popsicle run s":         "popsicle env set NAME keeps a secret, --env NAME passes one on, and masks it",
	"popsicle run secret":    "popsicle env set NAME keeps a secret, --env NAME passes one on, and masks it",
	"popsicle run P":         "popsicle run --machine-image IMAGE, and --platform OS/ARCH",
	"popsicle run v":         "each step's output is printed; popsicle logs PIPELINE prints it again",
	"popsicle run volume":    "jobs see the checkout and no other folder of this host",

	"c":                        "the file is named without a flag: %s FILE",
	"config":                   "the file is named without a flag: %s FILE",
	"pipeline-parameters":      "-p NAME=VALUE sets a pipeline parameter",
	"pipeline-parameter":       "-p NAME=VALUE sets a pipeline parameter",
	"parameter":                "-p NAME=VALUE sets a pipeline parameter",
	"org-slug":                 "nothing is sent to an organization: leave it out",
	"org-id":                   "nothing is sent to an organization: leave it out",
	"o":                        "nothing is sent to an organization: leave it out",
	"token":                    "no account is needed: leave it out",
	"host":                     "no account is needed: leave it out",
	"skip-update-check":        "popsicle never looks for updates: leave it out",
	"ignore-deprecated-images": "images are not checked: leave it out",
}

// foreign is the mistake of a command line that begins with a command which
// popsicle does not have. It is looked for before flags are: of those behind
// an unknown command nobody could say whose they are.
func foreign(root *cli.Command, args []string) error {
	if len(args) < 2 || args[1] == "" || strings.HasPrefix(args[1], "-") || root.Command(args[1]) != nil {
		return nil
	}
	return unknownCommand(root, args[1])
}

func unknownCommand(of *cli.Command, name string) error {
	full := of.FullName()
	hint := ""
	var names []string
	for _, c := range of.VisibleCommands() {
		names = append(names, c.Names()...)
	}
	if other := otherWords[full+" "+name]; other != "" {
		hint = ": " + other
	} else if near := schema.Nearest(name, names); near != "" {
		hint = fmt.Sprintf(": did you mean %q?", near)
	}
	return usage("%s has no command %q%s\n  %s --help lists them", full, name, hint, full)
}

// wrongValue says of a flag that takes a number what it got. Nil: err is
// something else.
func wrongValue(c *cli.Command, err error) error {
	var value, flag string
	if n, _ := fmt.Sscanf(err.Error(), "invalid value %q for flag -%s", &value, &flag); n < 2 || !strings.Contains(err.Error(), "strconv.ParseInt") {
		return nil
	}
	flag = strings.TrimSuffix(flag, ":")
	hint := ""
	if c.FullName() == "popsicle run" && (flag == "j" || flag == "jobs") {
		hint = fmt.Sprintf("; popsicle run %s runs the job %s", value, value)
	}
	return usage("%s %s: it must be a whole number%s", dashed(flag), value, hint)
}

// otherFlag says what to type for a flag that a command does not have.
func otherFlag(of *cli.Command, name string) string {
	full := of.FullName()
	if other := otherFlags[full+" "+name]; other != "" {
		return ": " + other
	}
	if other := otherFlags[name]; other != "" && of.Root() != of {
		return ": " + strings.ReplaceAll(other, "%s", full)
	}
	var names []string
	for _, f := range of.VisibleFlags() {
		names = append(names, f.Names()...)
	}
	if near := schema.Nearest(name, names); near != "" {
		return fmt.Sprintf(": did you mean %s?", dashed(near))
	}
	return ""
}
