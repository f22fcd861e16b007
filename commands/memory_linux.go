package commands

import "golang.org/x/sys/unix"

// totalMemory returns the bytes of memory of this machine, 0 where unknown.
func totalMemory() uint64 {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 0
	}
	return info.Totalram * uint64(info.Unit)
}
