package finding

import (
	"fmt"
	"io"
	"strings"
)

// GitHub writes each finding as a workflow command, which GitHub Actions
// shows beside the line of a pull request.
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
func GitHub(w io.Writer, list []Finding) error {
	for _, f := range list {
		level := map[Severity]string{Error: "error", Warning: "warning", Note: "notice"}[f.Severity]
		place := "file=" + property(f.Pos.File)
		if f.Pos.Line > 0 {
			place += fmt.Sprintf(",line=%d,col=%d", f.Pos.Line, f.Pos.Column)
		}
		if _, err := fmt.Fprintf(w, "::%s %s,title=%s::%s\n", level, place, property("popsicle: "+f.rule()), message(f.text())); err != nil {
			return err
		}
	}
	return nil
}

// message escapes what would end a workflow command.
func message(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

// property escapes what would end a property, too.
func property(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}
