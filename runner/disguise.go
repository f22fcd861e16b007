package runner

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// disguises calls add with every text that gives a secret away: the secret,
// the lines of one that has several, each as programs quote it, and any run
// of its base64. Each is at least shortest bytes long.
func disguises(value string, add func(pattern string)) {
	seen := map[string]bool{}
	once := func(pattern string) {
		if secret(pattern) && !seen[pattern] {
			seen[pattern] = true
			add(pattern)
		}
	}
	once(value)
	once(strings.TrimSpace(value))
	pieces := lines(value)
	for _, line := range pieces {
		once(line)
	}
	if len(value) <= long {
		pieces = append(pieces, value)
		once(hex.EncodeToString([]byte(value)))
		once(strings.ToUpper(hex.EncodeToString([]byte(value))))
	}
	for _, piece := range pieces {
		if plain(piece) {
			continue
		}
		for _, quoted := range quotings {
			once(quoted(piece))
		}
	}
	encoded(value, func(pattern string) {
		if secret(pattern) { // too many to remember which were seen
			add(pattern)
		}
	})
}

// long is the length from which on the lines of a secret must do: a key file
// in every disguise would take megabytes.
const long = 512

// lines are the lines of a value that are secrets by themselves, should they
// be printed alone: with other line ends, or by grep. Those that say nothing
// stay readable, or every brace of every output would go: a line counts from
// eight characters on, or from four where it has a digit or a capital.
func lines(value string) []string {
	if !strings.ContainsAny(value, "\r\n") && len(value) <= long {
		return nil
	}
	var telling []string
	for line := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == '\n' || r == '\r' }) {
		line = strings.TrimSpace(line)
		boundary := strings.HasPrefix(line, "-----BEGIN ") || strings.HasPrefix(line, "-----END ")
		if short := len(line) < 8 && strings.ToLower(line) == line && !strings.ContainsAny(line, "0123456789"); !short && !boundary {
			telling = append(telling, line)
		}
	}
	return telling
}

// plain says that no quoting changes s.
func plain(s string) bool { return strings.IndexFunc(s, special) < 0 }

func special(r rune) bool {
	letter := '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	return !letter && r != '_' && r != '-' && r != '.'
}

// quotings are how programs write text in the middle of something else.
var quotings = []func(string) string{
	func(s string) string { return inJSON(s, true) },
	func(s string) string { return inJSON(s, false) },
	func(s string) string { return asciiJSON(inJSON(s, false)) },
	func(s string) string { return strings.ReplaceAll(inJSON(s, false), "/", `\/`) },
	func(s string) string { return bare(strconv.Quote(s)) },
	func(s string) string { return bare(strconv.QuoteToASCII(s)) },

	url.QueryEscape,
	url.PathEscape,
	func(s string) string { return percent(s, "%%%02X", "-._~") },
	func(s string) string { return percent(s, "%%%02x", "-._~") },
	func(s string) string { return percent(s, "%%%02X", "-._~/") },     // Python's quote
	func(s string) string { return percent(s, "%%%02X", "-._~!'()*") }, // encodeURIComponent

	func(s string) string { return strings.ReplaceAll(s, "'", `'\''`) },
	func(s string) string { return strings.ReplaceAll(s, "'", `'"'"'`) },
	func(s string) string { return backslashed(s, special) },
	func(s string) string { return backslashed(s, shellSpecial) }, // printf %q
	func(s string) string {
		return backslashed(s, func(r rune) bool { return strings.ContainsRune("\"$`\\", r) })
	},
	ansiC,

	html.EscapeString,
	strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#x27;").Replace,
	strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;", "\n", "&#10;").Replace,
	strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace,
}

func inJSON(s string, escapeHTML bool) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(escapeHTML)
	_ = e.Encode(s) // a string always encodes
	return bare(strings.TrimSuffix(b.String(), "\n"))
}

// asciiJSON writes what is beyond ASCII in JSON as Python does.
func asciiJSON(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r < utf8.RuneSelf:
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		}
	}
	return b.String()
}

// bare is a quoted text without its quotes.
func bare(s string) string { return s[1 : len(s)-1] }

// percent writes all bytes but letters, digits and those of safe as in a URL.
func percent(s, format, safe string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || strings.IndexByte(safe, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, format, c)
		}
	}
	return b.String()
}

func shellSpecial(r rune) bool {
	return strings.ContainsRune(" \t!\"#$&'()*,;<>?[\\]^`{|}~", r)
}

func backslashed(s string, special func(rune) bool) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < utf8.RuneSelf && special(rune(c)) {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// ansiC is how bash writes what has line ends in it: $'one\ntwo'.
var ansiC = strings.NewReplacer(`\`, `\\`, "'", `\'`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\x1b", `\E`, "\a", `\a`, "\b", `\b`, "\v", `\v`, "\f", `\f`).Replace

// encoded calls add with what a secret is in base64, wherever in the encoded
// data it stands and wherever the lines are broken. At most four bits of its
// first and of its last byte share a character with what is beside it.
func encoded(value string, add func(string)) {
	for lead := range 3 {
		data := strings.Repeat("\x00", lead) + value
		from, to := (lead*8+5)/6, len(data)*8/6
		text := base64.StdEncoding.EncodeToString([]byte(data))
		fragment := text[from:to]
		windows(fragment, add)
		if to == len(text) {
			continue
		}
		// At the end of the data, that last character is known.
		end := fragment[max(0, len(fragment)-window):]
		withNewline := base64.StdEncoding.EncodeToString([]byte(data + "\n"))
		for _, rest := range []string{text[to:], strings.TrimRight(text[to:], "="), withNewline[to:]} {
			inBoth(end+rest, add)
		}
	}
	columns(base64.StdEncoding.EncodeToString([]byte(value)), add)
}

// inURLs turns base64 into that of URLs.
var inURLs = strings.NewReplacer("+", "-", "/", "_").Replace

// inBoth gives a text in both alphabets of base64.
func inBoth(text string, add func(string)) {
	add(text)
	if strings.ContainsAny(text, "+/") {
		add(inURLs(text))
	}
}

// window is the length of a run that is known to be of a secret: six bytes.
const window = 8

// windows gives the runs of a text, so many that they cover any part of it.
// Of a long text they leave up to three characters beside a broken line.
func windows(text string, add func(string)) {
	stride := 1
	if len(text) > 96 {
		stride = 4
	}
	for at := 0; at < len(text)-window; at += stride {
		inBoth(text[at:at+window], add)
	}
	inBoth(text[max(0, len(text)-window):], add)
}

// columns gives the lines of a long text as base64 (76) and openssl (64)
// break it.
func columns(text string, add func(string)) {
	for _, width := range []int{76, 64} {
		for at := 0; at+width < len(text); at += width {
			add(text[at : at+width])
		}
	}
}
