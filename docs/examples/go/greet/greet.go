// Package greet finds words for everybody.
package greet

import "strings"

// All greets several people at once, and the world where there are none.
func All(names []string) string {
	switch n := len(names); n {
	case 0:
		return "Hello, world!"
	case 1:
		return "Hello, " + names[0] + "!"
	default:
		return "Hello, " + strings.Join(names[:n-1], ", ") + " and " + names[n-1] + "!"
	}
}
