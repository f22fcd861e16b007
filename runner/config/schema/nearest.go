package schema

import "strings"

// Nearest finds the name that was likely meant by a misspelt one, or "".
func Nearest(found string, names []string) string {
	best, distance := "", min(len(found)/3, 2)+1 // one letter in three can be wrong, but no more than two
	if len(found) == 2 {
		distance = 2
	}
	f := fold(found)
	for _, name := range names {
		if d := edits(f, fold(name), distance); d < distance {
			best, distance = name, d
		}
	}
	return best
}

// fold takes away what people mix up: case, dashes, underscores, plural.
func fold(s string) string {
	s = strings.NewReplacer("-", "_", " ", "_").Replace(strings.ToLower(s))
	return strings.TrimSuffix(s, "s")
}

// edits counts the letters to insert, drop, change or swap between two words,
// and gives up at limit.
func edits(a, b string, limit int) int {
	if d := len(a) - len(b); d >= limit || -d >= limit {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
