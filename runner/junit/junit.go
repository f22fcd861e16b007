// Package junit reads the results of tests as nearly every test runner can
// write them: JUnit's XML, of which there is no one specification. It reads
// what runners really write, however large, and says where a file is broken.
package junit

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/net/html/charset"
)

// Result is how a test ended.
type Result string

// The results of tests.
const (
	Success Result = "success"
	Failure Result = "failure" // what the test asserts does not hold
	Error   Result = "error"   // the test broke down
	Skipped Result = "skipped"
)

// A Case is one test that ran.
type Case struct {
	Suite   string // of the innermost suite that has a name
	Class   string
	Name    string
	File    string // as the runner wrote it; empty where it did not
	Result  Result
	Seconds float64
	Message string // why it did not pass, at most MessageLimit bytes and a note
}

// MessageLimit is how much of a message is kept, in bytes.
const MessageLimit = 8 << 10

// A SyntaxError is a place where a file is not what it should be.
type SyntaxError struct {
	Line, Column int // from 1
	Text         string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Text) }

// Read calls take for each test of a JUnit file, in the order of the file. A
// file that is broken gives a *SyntaxError after the tests before that place;
// any other error is that of r. Memory is bounded, whatever the file holds.
func Read(r io.Reader, take func(Case)) error {
	source := &failing{r: r}
	d := xml.NewDecoder(newScrubber(source))
	d.CharsetReader = charset.NewReaderLabel
	d.Entity = xml.HTMLEntity
	p := &parser{decoder: d, take: take}
	err := p.document()
	if err == nil || source.err != nil {
		return source.err
	}
	var broken *SyntaxError
	if errors.As(err, &broken) {
		return broken
	}
	line, column := d.InputPos()
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		text := strings.Replace(syntax.Msg, "unexpected EOF", "the file ends here, in the middle of something", 1)
		return &SyntaxError{line, column, text}
	}
	return &SyntaxError{line, column, strings.TrimPrefix(err.Error(), "xml: ")}
}

// failing remembers an error of the source apart from those of its content.
type failing struct {
	r   io.Reader
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && err != io.EOF {
		f.err = err
	}
	return n, err
}

// A parser is on its way through one file.
type parser struct {
	decoder *xml.Decoder
	take    func(Case)
	suites  []suite
	depth   int
}

// A suite is what its tests inherit.
type suite struct{ name, file string }

// deepest is how far elements may lie in each other; real files have five levels.
const deepest = 100

// document reads elements to the end of the file.
func (p *parser) document() error {
	for {
		token, err := p.decoder.Token()
		if errors.Is(err, io.EOF) {
			if p.depth < 0 {
				return nil
			}
			return p.broken("no <testsuite> in it")
		}
		if err != nil {
			return err
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if err := p.root(start); err != nil {
			return err
		}
		p.depth = -1 // something was read; more roots, as of files put together, are read too
	}
}

func (p *parser) root(start xml.StartElement) error {
	switch start.Name.Local {
	case "testsuites", "testsuite", "testcase":
		p.depth = 0
		return p.element(start)
	}
	return p.broken("<%s> is no JUnit: the first element is <testsuites> or <testsuite>", start.Name.Local)
}

func (p *parser) broken(format string, args ...any) error {
	line, column := p.decoder.InputPos()
	return &SyntaxError{line, column, fmt.Sprintf(format, args...)}
}

// element reads what may hold tests, or is one.
func (p *parser) element(start xml.StartElement) error {
	if p.depth++; p.depth > deepest {
		return p.broken("elements lie more than %d deep", deepest)
	}
	defer func() { p.depth-- }()
	switch start.Name.Local {
	case "testcase":
		return p.testcase(start)
	case "testsuite":
		p.suites = append(p.suites, p.within(start))
		defer func() { p.suites = p.suites[:len(p.suites)-1] }()
	case "testsuites":
	default:
		return p.decoder.Skip()
	}
	for {
		token, err := p.decoder.Token()
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if err := p.element(t); err != nil {
				return err
			}
		case xml.EndElement:
			return nil
		}
	}
}

// within is a suite in the one that is open.
func (p *parser) within(start xml.StartElement) suite {
	var s suite
	if n := len(p.suites); n > 0 {
		s = p.suites[n-1]
	}
	if name := attribute(start, "name"); name != "" {
		s.name = name
	}
	if file := file(start); file != "" {
		s.file = file
	}
	return s
}

// file is where a suite or a test stands, by the names that runners give it.
func file(start xml.StartElement) string {
	if name := attribute(start, "file"); name != "" {
		return name
	}
	return attribute(start, "filepath")
}

func attribute(start xml.StartElement, name string) string {
	for _, a := range start.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// testcase reads one test. One whose end is missing is not taken: how it
// ended is not known.
func (p *parser) testcase(start xml.StartElement) error {
	inherited := p.within(xml.StartElement{})
	c := Case{
		Suite: inherited.name, File: inherited.file, Class: attribute(start, "classname"), Name: attribute(start, "name"),
		Seconds: seconds(attribute(start, "time")), Result: byStatus(attribute(start, "status")),
	}
	if own := file(start); own != "" {
		c.File = own
	}
	for {
		token, err := p.decoder.Token()
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if err := p.outcome(t, &c); err != nil {
				return err
			}
		case xml.EndElement:
			p.take(c)
			return nil
		}
	}
}

// byStatus is the result of a test whose runner says it by an attribute
// alone: GoogleTest and some of its kind.
func byStatus(status string) Result {
	switch strings.ToLower(status) {
	case "notrun", "disabled", "skipped", "ignored":
		return Skipped
	}
	return Success
}

// weight orders results: of a test that has several the worst counts.
var weight = map[Result]int{Success: 0, Skipped: 1, Error: 2, Failure: 3}

// outcome reads an element of a test, which may say how the test ended.
func (p *parser) outcome(start xml.StartElement, c *Case) error {
	var result Result
	switch start.Name.Local {
	case "failure":
		result = Failure
	case "error":
		result = Error
	case "skipped":
		result = Skipped
	default:
		return p.decoder.Skip()
	}
	text, err := p.text()
	if err == nil && (weight[result] > weight[c.Result] || result == c.Result && c.Message == "") {
		c.Result, c.Message = result, message(attribute(start, "message"), text)
	}
	return err
}

// text gathers the text of an element and of those in it.
func (p *parser) text() (string, error) {
	var b strings.Builder
	for depth := 1; ; {
		token, err := p.decoder.Token()
		if err != nil {
			return "", err
		}
		switch t := token.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			if depth--; depth == 0 {
				return b.String(), nil
			}
		case xml.CharData:
			if b.Len() <= MessageLimit {
				b.Write(t)
			}
		}
	}
}

// message joins the two places where runners write why a test failed.
func message(short, long string) string {
	short, long = plain(short), plain(long)
	switch {
	case short == "" || strings.HasPrefix(long, short):
		short = long
	case long != "":
		short += "\n" + long
	}
	if len(short) <= MessageLimit {
		return short
	}
	return strings.ToValidUTF8(short[:MessageLimit], "") + "\n… (cut here: the rest is in the test's own file)"
}

// colours are the sequences that colour a terminal, as they come through XML,
// which has no escape character: pytest writes #x1B for it.
var colours = regexp.MustCompile(`(?:\x{FFFD}|#x1B|\\u001b|\\x1b)\[[0-9;]*m`)

// plain is a text without colours, and without space around it.
func plain(s string) string { return strings.TrimSpace(colours.ReplaceAllString(s, "")) }

// seconds reads a time. Some runners group its thousands by commas, some
// write a comma for the point.
func seconds(text string) float64 {
	text = strings.TrimSpace(text)
	if strings.Contains(text, ".") {
		text = strings.ReplaceAll(text, ",", "")
	} else {
		text = strings.Replace(text, ",", ".", 1)
	}
	s, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(s) || math.IsInf(s, 0) || s < 0 {
		return 0
	}
	return s
}
