package term

import (
	"os"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// IsTerminal says whether f is a terminal.
func IsTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// Size returns a function that asks the terminal f for its columns and rows,
// for Theme.Size. A terminal that does not know is taken for 80×24.
func Size(f *os.File) func() (columns, rows int) {
	return func() (int, int) {
		columns, rows, err := term.GetSize(int(f.Fd()))
		if err != nil || columns <= 0 || rows <= 0 {
			return 80, 24
		}
		return columns, rows
	}
}

// Quiet stops the terminal f from echoing keys, which would tear a Live
// apart, and returns the function that makes it echo again. Ctrl-C goes on
// to send its signal, and what is typed waits for the shell. Where f is no
// terminal, or belongs to another process at the time, nothing is done.
func Quiet(f *os.File) (restore func()) {
	fd := int(f.Fd())
	before, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return func() {}
	}
	quiet := *before
	quiet.Lflag &^= unix.ECHO
	setMode(fd, &quiet)
	return func() { setMode(fd, before) }
}

// setMode sets the modes of a terminal, if this process is in its
// foreground: any other would be stopped for it. A failure is not told: it
// is a flaw of looks only.
func setMode(fd int, mode *unix.Termios) {
	if inForeground(fd) {
		_ = unix.IoctlSetTermios(fd, setTermios, mode)
	}
}

// Hidden asks for a line on the terminal in, which shows nothing of what is
// typed, and returns it without its end.
func Hidden(in, out *os.File, prompt string) (string, error) {
	if _, err := out.WriteString(prompt); err != nil {
		return "", err
	}
	line, err := term.ReadPassword(int(in.Fd()))
	_, _ = out.WriteString("\n") // for looks only
	return string(line), err
}

func inForeground(fd int) bool {
	group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}
