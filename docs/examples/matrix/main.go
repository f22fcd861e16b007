// Platform tells what it was built for.
package main

import (
	"os"
	"runtime"
)

func main() {
	os.Stdout.WriteString("built for " + runtime.GOOS + " on " + runtime.GOARCH + "\n")
}
