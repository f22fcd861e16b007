package term

import "golang.org/x/sys/unix"

// The requests that read and set the modes of a terminal.
const (
	getTermios = unix.TCGETS
	setTermios = unix.TCSETS
)

// dropInput drops what was typed and not read. A failure is not told: the keys
// are then read as answers, which are asked for one at a time.
func dropInput(fd int) { _ = unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIFLUSH) }
