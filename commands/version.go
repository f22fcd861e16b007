package commands

import (
	"runtime/debug"
	"sync"
)

// version is what `go install` or a release build put into the binary.
var version = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
})
