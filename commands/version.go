package commands

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/urfave/cli/v3"

	"github.com/popsicle-ci/popsicle/db"
)

// What a release build says of itself (-ldflags "-X …/commands.release=v1.2.3"),
// where the build has no git checkout from which Go would know it.
var release, releaseCommit, releaseDate string

// A build says which popsicle this is, and what it was made with.
type build struct {
	Version string `json:"version"` // "(devel)" for a build of a checkout that carries no tag
	Commit  string `json:"commit"`  // "" where the build did not know it, as by go install of a version
	Dirty   bool   `json:"dirty"`   // the checkout had changes beside Commit
	Date    string `json:"date"`    // of the commit, RFC 3339
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
	SQLite  string `json:"sqlite"`
}

// thisBuild is what the linker, go install or the checkout said of the binary.
var thisBuild = sync.OnceValue(func() build {
	b := build{
		Version: "(devel)", Commit: releaseCommit, Date: releaseDate,
		Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, SQLite: db.SQLiteVersion(),
	}
	info, ok := debug.ReadBuildInfo()
	if ok && info.Main.Version != "" {
		b.Version = info.Main.Version
	}
	if release != "" {
		b.Version = release
	}
	for i := 0; ok && i < len(info.Settings); i++ {
		b.stamp(info.Settings[i])
	}
	return b
})

// stamp takes what Go knows of the checkout, after what the release says.
func (b *build) stamp(s debug.BuildSetting) {
	switch {
	case s.Key == "vcs.revision" && b.Commit == "":
		b.Commit = s.Value
	case s.Key == "vcs.time" && b.Date == "":
		b.Date = s.Value
	case s.Key == "vcs.modified":
		b.Dirty = s.Value == "true"
	}
}

func version() string { return thisBuild().Version }

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "say which popsicle this is",
		Description: `Prints the version, and what it was built from and with: put it into reports
of bugs. popsicle --version prints the first line alone.

   popsicle version
   popsicle version --json | jq --raw-output .version`,
		Flags:        []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "as a JSON object"}},
		Suggest:      true,
		OnUsageError: usageError,
		Action:       versionAction,
	}
}

func versionAction(_ context.Context, c *cli.Command) error {
	if c.Args().Present() {
		return usage("version takes no arguments")
	}
	b := thisBuild()
	if c.Bool("json") {
		return writeJSON(stdout(c), b)
	}
	_, err := fmt.Fprint(stdout(c), b)
	return err
}

// String is a page of a few lines.
func (b build) String() string {
	text := "popsicle version " + b.Version + "\n"
	if b.Commit != "" {
		changed := ""
		if b.Dirty {
			changed = ", with changes"
		}
		text += fmt.Sprintf("commit   %s%s\n", b.Commit, changed)
	}
	if b.Date != "" {
		text += "date     " + b.Date + "\n"
	}
	return text + fmt.Sprintf("go       %s, %s/%s\nsqlite   %s\n", b.Go, b.OS, b.Arch, b.SQLite)
}
