//go:build !linux && !darwin

package commands

// totalMemory returns the bytes of memory of this machine, 0 where unknown.
func totalMemory() uint64 { return 0 }
