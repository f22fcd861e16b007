package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// foreign are messages of others that popsicle passes on.
var foreign = []string{"listen tcp", "exec format error", "bind: address already in use"}

// TestTroubleshootingQuotesWhatIsSaid looks up in the program what the page
// says that it says: a message that is written anew is found here.
func TestTroubleshootingQuotesWhatIsSaid(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(top, "docs/guide/troubleshooting.md"))
	if err != nil {
		t.Fatal(err)
	}
	said, quoted := sources(t), 0
	for row := range strings.Lines(string(page)) {
		cells := strings.Split(row, " | ")
		if !strings.HasPrefix(row, "| ") || len(cells) != 2 {
			continue
		}
		for _, quote := range regexp.MustCompile("`[^`]+`").FindAllString(cells[0], -1) {
			for part := range strings.SplitSeq(strings.Trim(quote, "`"), "…") {
				part = strings.Trim(part, " :,()")
				if len(part) < 8 || strings.HasPrefix(part, "popsicle ") || strings.HasPrefix(part, "run --") {
					continue
				}
				if quoted++; !known(said, part) {
					t.Errorf("nothing says %q: %s", part, row)
				}
			}
		}
	}
	if quoted < 35 {
		t.Errorf("only %d messages are quoted", quoted)
	}
}

func known(said, part string) bool {
	for _, f := range foreign {
		if strings.Contains(part, f) {
			return true
		}
	}
	return strings.Contains(said, part)
}

// sources is the text of the program, without its tests.
func sources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, dir := range []string{"commands", "db", "ghstatus", "gitops", "runner", "server"} {
		err := filepath.WalkDir(filepath.Join(top, dir), func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
				return err
			}
			text, err := os.ReadFile(file)
			all.Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}
