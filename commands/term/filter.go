package term

import "unicode/utf8"

// A filter makes the output of a job safe to print. Of escape sequences only
// colours (SGR) are left, and those only where keep is set; cursor moves,
// titles, links, clipboard and everything else is taken out, as are control
// characters but newline, carriage return and tab. Bytes that are no UTF-8
// become U+FFFD. A sequence may be cut anywhere between two calls.
type filter struct {
	keep  bool
	state filterState
	seq   []byte // the CSI sequence that is being read, without its introducer
	part  []byte // the beginning of a character whose end has not come yet
}

type filterState byte

const (
	ground    filterState = iota
	escape                // after ESC
	charset               // after ESC and an intermediate: one sign follows
	csi                   // within a control sequence
	str                   // within OSC, DCS, APC, PM or SOS
	strEscape             // after ESC within one
)

// longestSGR bounds what a sequence may hold: longer ones are no colours.
const longestSGR = 64

// append adds what is left of text to dst.
func (f *filter) append(dst []byte, text string) []byte {
	if len(f.part) > 0 {
		text = string(f.part) + text
		f.part = f.part[:0]
	}
	for i := 0; i < len(text); {
		if f.state == ground {
			n := cleanRun(text[i:])
			dst = append(dst, text[i:i+n]...)
			if i += n; i == len(text) {
				break
			}
		}
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			if !utf8.FullRuneInString(text[i:]) {
				f.part = append(f.part, text[i:]...)
				break
			}
			r, size = utf8.DecodeRuneInString(text[i:])
		}
		dst = f.step(dst, r)
		i += size
	}
	return dst
}

// cleanRun is the length of the start of text that passes as it is: ASCII
// that is printed, newlines and tabs.
func cleanRun(text string) int {
	for i := 0; i < len(text); i++ {
		if c := text[i]; (c < ' ' && c != '\n' && c != '\t') || c >= 0x7f {
			return i
		}
	}
	return len(text)
}

// step takes one character through the machine.
func (f *filter) step(dst []byte, r rune) []byte {
	if r >= 0x80 && r <= 0x9f { // C1 controls are ESC and a letter in one sign
		if f.state == str && r != 0x9c {
			return dst
		}
		f.state, r = escape, r-0x40
	}
	// A newline ends whatever is open: a stray introducer must not swallow
	// the rest of a log.
	if r == '\n' || r == 0x18 || r == 0x1a {
		f.state = ground
	}
	switch f.state {
	case ground:
		return f.print(dst, r)
	case escape:
		f.state = f.afterEscape(r)
	case charset:
		f.state = ground
	case csi:
		return f.control(dst, r)
	case str:
		f.state = insideString(r)
	case strEscape:
		if f.state = ground; r != '\\' { // an escape that is no terminator begins anew
			f.state = f.afterEscape(r)
		}
	}
	return dst
}

// print adds a character outside of sequences.
func (f *filter) print(dst []byte, r rune) []byte {
	switch {
	case r == 0x1b:
		f.state = escape
		return dst
	case r == '\n' || r == '\r' || r == '\t':
		return append(dst, byte(r))
	case r < ' ' || r == 0x7f:
		return dst
	}
	return utf8.AppendRune(dst, r)
}

// afterEscape is the state that the sign after an ESC leads to.
func (f *filter) afterEscape(r rune) filterState {
	switch {
	case r == '[':
		f.seq = f.seq[:0]
		return csi
	case r == ']' || r == 'P' || r == 'X' || r == '^' || r == '_':
		return str
	case r >= 0x20 && r <= 0x2f:
		return charset
	case r == 0x1b:
		return escape
	}
	return ground
}

// control takes one sign of a control sequence, and keeps the sequence if it
// turns out to be a colour.
func (f *filter) control(dst []byte, r rune) []byte {
	switch {
	case r == 0x1b:
		f.state = escape
	case r >= 0x40 && r <= 0x7e:
		f.state = ground
		if r == 'm' && f.keep && isSGR(f.seq) {
			dst = append(append(append(dst, "\x1b["...), f.seq...), 'm')
		}
	case r < 0x20 || r > 0x7e: // terminals disagree about these: no part of it is kept
		f.seq = append(f.seq[:0], '?')
	case len(f.seq) < longestSGR:
		f.seq = append(f.seq, byte(r))
	default:
		f.seq[0] = '?'
	}
	return dst
}

func insideString(r rune) filterState {
	switch r {
	case 0x07:
		return ground
	case 0x1b:
		return strEscape
	}
	return str
}

// isSGR says whether seq holds nothing but numbers: no private sequence.
func isSGR(seq []byte) bool {
	for _, c := range seq {
		if (c < '0' || c > '9') && c != ';' && c != ':' {
			return false
		}
	}
	return true
}
