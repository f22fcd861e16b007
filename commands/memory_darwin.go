package commands

import "golang.org/x/sys/unix"

// totalMemory returns the bytes of memory of this machine, 0 where unknown.
func totalMemory() uint64 {
	memory, err := unix.SysctlUint64("hw.memsize")
	if err != nil {
		return 0
	}
	return memory
}
