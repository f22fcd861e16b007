package junit

import (
	"bufio"
	"bytes"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// textLimit is how much of one text, attribute or comment is looked at, in
// bytes: test runners put whole logs into their results.
const textLimit = 64 << 10

// A scrubber lets through what encoding/xml can read: control characters that
// XML does not allow, as in coloured output, become U+FFFD, as does what is no
// UTF-8 where the file claims to be; texts longer than textLimit lose the
// rest. Lines stay what they are, so that places do too.
type scrubber struct {
	in      *bufio.Reader
	foreign bool // the file names an encoding of its own: leave its bytes alone
	within  context
	quote   byte // in a tag: of the attribute that is open
	run     int  // bytes of this text so far
	tail    [3]byte
	out     []byte
	err     error
}

// context is what the scrubber is in.
type context int

const (
	inText context = iota
	inTag
	inCDATA
	inComment
)

// newScrubber reads r, which may begin with a byte order mark.
func newScrubber(r io.Reader) *scrubber {
	s := &scrubber{in: bufio.NewReaderSize(r, 64<<10)}
	head, _ := s.in.Peek(200) // its error comes again with the first read
	if bytes.HasPrefix(head, []byte("\xfe\xff")) || bytes.HasPrefix(head, []byte("\xff\xfe")) {
		decode := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder()
		s.in = bufio.NewReaderSize(transform.NewReader(s.in, decode), 64<<10)
		head, _ = s.in.Peek(200)
	}
	if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		_, _ = s.in.Discard(3)
	}
	s.declaration()
	return s
}

// declaration takes the XML declaration. Its encoding is passed on only where
// that is not UTF-8, or UTF-16 that has been read already.
func (s *scrubber) declaration() {
	head, _ := s.in.Peek(200)
	end := bytes.Index(head, []byte("?>"))
	if !bytes.HasPrefix(head, []byte("<?xml")) || end < 0 {
		return
	}
	declared := string(head[:end+2])
	_, _ = s.in.Discard(end + 2)
	lower := strings.ToLower(declared)
	s.foreign = strings.Contains(lower, "encoding") && !strings.Contains(lower, "utf-8") && !strings.Contains(lower, "utf-16") &&
		!strings.Contains(lower, "utf8") && !strings.Contains(lower, "us-ascii")
	if s.foreign {
		s.out = append(s.out, strings.ReplaceAll(declared, "1.1", "1.0")...)
		return
	}
	s.out = append(s.out, "<?xml"+strings.Repeat(" ", max(0, len(declared)-len(`<?xml version="1.0"?>`)))+` version="1.0"?>`...)
}

// ReadByte keeps encoding/xml from wrapping the scrubber into a buffer, which
// would make its places the buffer's.
func (s *scrubber) ReadByte() (byte, error) {
	if err := s.fill(); err != nil {
		return 0, err
	}
	c := s.out[0]
	s.out = s.out[1:]
	return c, nil
}

// Read reads scrubbed text.
func (s *scrubber) Read(p []byte) (int, error) {
	if err := s.fill(); err != nil {
		return 0, err
	}
	n := copy(p, s.out)
	s.out = s.out[n:]
	return n, nil
}

// fill scrubs until there is something to read.
func (s *scrubber) fill() error {
	if len(s.out) > 0 {
		return nil
	}
	s.out = s.out[:0:0]
	for len(s.out) < 4<<10 && s.err == nil {
		s.err = s.next()
	}
	if len(s.out) > 0 {
		return nil
	}
	return s.err
}

// next scrubs one character.
func (s *scrubber) next() error {
	if s.foreign {
		c, err := s.in.ReadByte()
		if err == nil {
			s.follow(c)
			s.keep(c)
		}
		return err
	}
	r, size, err := s.in.ReadRune()
	if err != nil {
		return err
	}
	if r == '&' && s.within != inCDATA && s.within != inComment {
		return s.reference()
	}
	if r < utf8.RuneSelf && allowed(r) {
		s.follow(byte(r))
		s.keep(byte(r))
		return nil
	}
	if r == utf8.RuneError && size == 1 || !allowed(r) {
		r = utf8.RuneError
	}
	if s.run += utf8.RuneLen(r); s.run <= textLimit {
		s.out = utf8.AppendRune(s.out, r)
	}
	return nil
}

// keep lets a byte out, unless the text that it belongs to is long enough.
func (s *scrubber) keep(c byte) {
	if s.run++; s.run <= textLimit || c == '\n' {
		s.out = append(s.out, c)
	}
}

// follow notices where texts begin and end.
func (s *scrubber) follow(c byte) {
	before := s.tail
	s.tail = [3]byte{before[1], before[2], c}
	switch s.within {
	case inText:
		if c == '<' {
			s.enter(inTag)
		}
	case inTag:
		s.followTag(c)
	case inCDATA:
		if c == '>' && before[1] == ']' && before[2] == ']' {
			s.leave("]]")
		}
	case inComment:
		if c == '>' && before[1] == '-' && before[2] == '-' {
			s.leave(" --")
		}
	}
}

// leave ends what the next byte ends; end is the rest of it, which has been
// dropped where the text was too long.
func (s *scrubber) leave(end string) {
	if s.run > textLimit {
		s.out = append(s.out, end...)
	}
	s.enter(inText)
}

// followTag is follow in a tag, which may turn out to be something else.
func (s *scrubber) followTag(c byte) {
	switch {
	case s.quote != 0:
		if c == s.quote {
			s.quote, s.run = 0, 0
		}
	case c == '"' || c == '\'':
		s.quote, s.run = c, 0
	case c == '>':
		s.enter(inText)
	case c == '[' && s.run == len("<![CDATA") && string(s.tail[:]) == "TA[":
		s.enter(inCDATA)
	case c == '-' && s.run == len("<!-") && string(s.tail[:]) == "!--":
		s.enter(inComment)
	}
}

func (s *scrubber) enter(c context) { s.within, s.run, s.quote = c, 0, 0 }

// reference scrubs what begins with &: a reference to a character that XML
// does not allow becomes U+FFFD.
func (s *scrubber) reference() error {
	ahead, _ := s.in.Peek(12) // shorter at the end of the file
	end := bytes.IndexByte(ahead, ';')
	if len(ahead) == 0 || ahead[0] != '#' || end < 0 {
		s.keep('&')
		return nil
	}
	digits, base := string(ahead[1:end]), 10
	if strings.HasPrefix(digits, "x") {
		digits, base = digits[1:], 16
	}
	text := "&" + string(ahead[:end+1])
	_, _ = s.in.Discard(end + 1)
	if n, err := strconv.ParseUint(digits, base, 31); err != nil || !allowed(rune(n)) {
		text = "\ufffd"
	}
	if s.run += len(text); s.run <= textLimit {
		s.out = append(s.out, text...)
	}
	return nil
}

// allowed says whether XML 1.0 allows a character.
// https://www.w3.org/TR/xml/#charsets
func allowed(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xd7ff || r >= 0xe000 && r <= 0xfffd || r >= 0x10000 && r <= 0x10ffff
}
