package server

import (
	"bytes"
	"html/template"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// A colourist makes HTML of the lines of a log. Colours go on from line to
// line, as on a terminal; everything else that escape sequences ask for is
// left out. All text is escaped.
type colourist struct {
	parser *ansi.Parser
	now    style // of the text that comes
	out    strings.Builder
	open   bool // a span is
	start  bool // a carriage return was there: what comes is written over the line
}

// A style is how text looks. Colours are 1 to 16, of the sixteen that the
// style sheet has in a dark and a light form; 0: as the page.
type style struct {
	fore, back                        int
	bold, faint, italic, under, swaps bool
}

func newColourist() *colourist {
	c := &colourist{parser: ansi.NewParser()}
	c.parser.SetHandler(ansi.Handler{Print: c.print, Execute: c.execute, HandleCsi: c.csi})
	return c
}

// reset forgets the colours of the lines before.
func (c *colourist) reset() { c.now = style{} }

// line makes HTML of a line.
func (c *colourist) line(text []byte) template.HTML {
	c.out.Reset()
	c.open, c.start = false, false
	c.parser.Reset()
	if !utf8.Valid(text) {
		text = []byte(strings.ToValidUTF8(string(text), "\ufffd"))
	}
	c.parser.Parse(text)
	c.close()
	return template.HTML(c.out.String()) //nolint:gosec // print escapes every character, the spans are ours
}

func (c *colourist) print(r rune) {
	if c.start { // a progress bar: only its last state counts
		c.out.Reset()
		c.open, c.start = false, false
	}
	if !c.open && c.now != (style{}) {
		c.out.WriteString(`<span class="` + c.now.classes() + `">`)
		c.open = true
	}
	switch r {
	case '&':
		c.out.WriteString("&amp;")
	case '<':
		c.out.WriteString("&lt;")
	case '>':
		c.out.WriteString("&gt;")
	case '"':
		c.out.WriteString("&#34;")
	case '\'':
		c.out.WriteString("&#39;")
	default:
		c.out.WriteRune(r)
	}
}

func (c *colourist) execute(b byte) {
	switch b {
	case '\r':
		c.start = true
	case '\t':
		c.print('\t')
	}
}

func (c *colourist) close() {
	if c.open {
		c.out.WriteString("</span>")
		c.open = false
	}
}

// csi takes the sequences that change the style, and no others.
func (c *colourist) csi(cmd ansi.Cmd, params ansi.Params) {
	if cmd.Final() != 'm' || cmd.Prefix() != 0 || cmd.Intermediate() != 0 {
		return
	}
	c.close()
	if len(params) == 0 {
		c.now = style{}
	}
	for i := 0; i < len(params); i++ {
		code := params[i].Param(0)
		if code == 38 || code == 48 {
			colour, skip := wide(params[i+1:])
			i += skip
			c.now.paint(code == 48, colour)
			continue
		}
		c.now.take(code)
	}
}

// take changes one property. https://ecma-international.org/publications-and-standards/standards/ecma-48/ 8.3.117
func (s *style) take(code int) {
	switch {
	case code == 0:
		*s = style{}
	case code == 1:
		s.bold = true
	case code == 2:
		s.faint = true
	case code == 3:
		s.italic = true
	case code == 4:
		s.under = true
	case code == 7:
		s.swaps = true
	case code == 22:
		s.bold, s.faint = false, false
	case code == 23:
		s.italic = false
	case code == 24:
		s.under = false
	case code == 27:
		s.swaps = false
	case code >= 30 && code <= 37:
		s.fore = code - 29
	case code == 39:
		s.fore = 0
	case code >= 40 && code <= 47:
		s.back = code - 39
	case code == 49:
		s.back = 0
	case code >= 90 && code <= 97:
		s.fore = code - 81
	case code >= 100 && code <= 107:
		s.back = code - 91
	}
}

func (s *style) paint(back bool, colour int) {
	if back {
		s.back = colour
	} else {
		s.fore = colour
	}
}

// wide reads a colour of 256 or of 16 million: the parameters behind 38 and
// 48. It becomes one of the sixteen, which are readable on every ground.
func wide(params ansi.Params) (colour, skip int) {
	at := func(i int) int {
		if i < len(params) {
			return params[i].Param(0)
		}
		return 0
	}
	switch at(0) {
	case 5:
		return indexed(at(1)), min(2, len(params))
	case 2:
		return nearest(at(1), at(2), at(3)), min(4, len(params))
	}
	return 0, min(1, len(params))
}

// indexed finds the colour for one of xterm's 256.
func indexed(n int) int {
	switch {
	case n < 0 || n > 255:
		return 0
	case n < 16:
		return n + 1
	case n >= 232:
		grey := 8 + 10*(n-232)
		return nearest(grey, grey, grey)
	}
	steps := [6]int{0, 95, 135, 175, 215, 255}
	n -= 16
	return nearest(steps[n/36], steps[n/6%6], steps[n%6])
}

// nearest finds which of the sixteen is most like a colour.
func nearest(r, g, b int) int {
	base := [16][3]int{
		{0, 0, 0}, {205, 0, 0}, {0, 205, 0}, {205, 205, 0}, {0, 0, 238}, {205, 0, 205}, {0, 205, 205}, {229, 229, 229},
		{127, 127, 127}, {255, 0, 0}, {0, 255, 0}, {255, 255, 0}, {92, 92, 255}, {255, 0, 255}, {0, 255, 255}, {255, 255, 255},
	}
	best, least := 0, 1<<62
	for i, c := range base {
		if d := (r-c[0])*(r-c[0]) + (g-c[1])*(g-c[1]) + (b-c[2])*(b-c[2]); d < least {
			best, least = i+1, d
		}
	}
	return best
}

// classes names the style for the style sheet.
func (s style) classes() string {
	fore, back := s.fore, s.back
	if s.swaps {
		fore, back = back, fore
		if back == 0 {
			back = 8 // white: the text that was as the page
		}
	}
	names := []string{colourClass("f", fore), colourClass("b", back)}
	for name, on := range map[string]bool{"bold": s.bold, "faint": s.faint, "italic": s.italic, "under": s.under} {
		if on {
			names = append(names, name)
		}
	}
	names = slices.DeleteFunc(names, func(n string) bool { return n == "" })
	slices.Sort(names)
	return strings.Join(names, " ")
}

// plainText is a line without its escape sequences.
func plainText(line []byte) string {
	if bytes.IndexByte(line, 0x1b) < 0 {
		return strings.ToValidUTF8(string(line), "\ufffd")
	}
	return strings.ToValidUTF8(ansi.Strip(string(line)), "\ufffd")
}

// colourClass names a colour; "" for none.
func colourClass(of string, colour int) string {
	if colour == 0 {
		return ""
	}
	return of + string("0123456789abcdefg"[colour])
}
