package finding

import (
	"encoding/json"
	"io"
)

// A File is one checked file, and what its plan holds.
type File struct {
	Path      string `json:"path"`
	Valid     bool   `json:"valid"` // it has no errors
	Workflows int    `json:"workflows"`
	Jobs      int    `json:"jobs"`
}

// report is the object that JSON writes. docs/config-commands.md describes it.
type report struct {
	Schema   int       `json:"schema"`
	Valid    bool      `json:"valid"`
	Files    []File    `json:"files"`
	Findings []element `json:"findings"`
}

type element struct {
	Severity Severity `json:"severity"`
	Code     string   `json:"code,omitempty"`
	place
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Related *place `json:"related,omitempty"`
	Source  string `json:"source,omitempty"`
}

type place struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"` // absent: the file as a whole
	Column int    `json:"column,omitempty"`
}

// JSON writes all findings as one object on one line.
func JSON(w io.Writer, files []File, list []Finding) error {
	r := report{Schema: 1, Valid: true, Files: files, Findings: make([]element, len(list))}
	for i, f := range list {
		e := element{
			Severity: f.Severity, Code: f.Code, place: place{f.Pos.File, f.Pos.Line, f.Pos.Column},
			Message: f.Message, Hint: f.Hint, Source: f.Source,
		}
		if f.Related.Line > 0 {
			e.Related = &place{f.Related.File, f.Related.Line, f.Related.Column}
		}
		r.Findings[i] = e
		r.Valid = r.Valid && f.Severity != Error
	}
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	return out.Encode(r)
}
