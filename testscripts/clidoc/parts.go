package main

import "strings"

// A part of a description is a paragraph, or lines as they are to be typed.
type part struct {
	typed bool
	text  string
}

// parts takes a description apart: what is indented is to be typed.
func parts(description string) (all []part) {
	for block := range strings.SplitSeq(strings.Trim(description, "\n"), "\n\n") {
		for line := range strings.SplitSeq(block, "\n") {
			text, typed := strings.CutPrefix(line, "   ")
			if last := len(all) - 1; last >= 0 && all[last].typed == typed && !strings.HasSuffix(all[last].text, "\n\n") {
				all[last].text += "\n" + text
			} else {
				all = append(all, part{typed, text})
			}
		}
		all[len(all)-1].text += "\n\n"
	}
	for i := range all {
		all[i].text = strings.TrimRight(all[i].text, "\n")
	}
	return all
}
