package commands

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	// shown is a line of a page that a reader can type.
	shown = regexp.MustCompile(`^(?: {3,}|\| *)?(?:\$ )?(?:[A-Z_]+=\S+ |exec |sudo |exec: )?(popsicle .*)$`)
	// inline is a command in the middle of a text.
	inline = regexp.MustCompile("`(?:[A-Z_]+=\\S+ )?(popsicle [^`]*)`")
	// rest is what a shell or a reader takes from the end of a line.
	rest = regexp.MustCompile(`( {2,}| +#| *[|<>;&]|\\$).*$`)
)

// TestDocsParse: whoever types what a page of the documentation shows gets
// past the command line.
func TestDocsParse(t *testing.T) {
	found := 0
	err := filepath.WalkDir("..", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == "dist" || d.Name() == ".git"):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(file) != ".md" || d.Name() == "CHANGELOG.md" || d.Name() == "extending.md":
			return nil // what was, and what could be
		}
		text, err := os.ReadFile(file)
		for line := range strings.Lines(string(text)) {
			for _, command := range typedOn(strings.TrimRight(line, "\n")) {
				found++
				if err := parse(wordsOf(command)); err != nil {
					t.Errorf("%s: %s\n%v", strings.TrimPrefix(file, "../"), command, err)
				}
			}
		}
		return err
	})
	if err != nil || found < 200 {
		t.Errorf("%d commands found, %v", found, err)
	}
}

// typedOn are the commands on a line of a page. One with "…" or brackets is
// no command yet.
func typedOn(line string) (all []string) {
	var commands []string
	if m := shown.FindStringSubmatch(line); m != nil && !strings.Contains(line, "`") {
		commands = append(commands, m[1])
	}
	for _, m := range inline.FindAllStringSubmatch(line, -1) {
		commands = append(commands, m[1])
	}
	for _, c := range commands {
		if c = rest.ReplaceAllString(c, ""); !strings.ContainsAny(c, "…[{") && !strings.Contains(c, "COMMAND") {
			all = append(all, c)
		}
	}
	return all
}

// wordsOf are the words of a command as a shell takes them apart.
func wordsOf(command string) []string {
	words := quoted.FindAllString(command, -1)
	for i := range words {
		words[i] = strings.Trim(strings.ReplaceAll(words[i], "'", ""), `"`)
	}
	return words
}
