package junit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"
)

// read returns the tests of a document.
func read(t testing.TB, doc string) ([]Case, error) {
	t.Helper()
	var cases []Case
	err := Read(strings.NewReader(doc), func(c Case) { cases = append(cases, c) })
	return cases, err
}

func TestRead(t *testing.T) {
	for _, test := range []struct {
		name, doc string
		want      []Case
	}{
		{"one suite", `<testsuite name="s"><testcase classname="c" name="a" time="1.5"/></testsuite>`,
			[]Case{{Suite: "s", Class: "c", Name: "a", Result: Success, Seconds: 1.5}}},
		{"pytest", `<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="pytest" tests="2"><testcase classname="t.test_a" name="test_x" time="0.001" />` +
			`<testcase classname="t.test_a" name="test_y" time="0.002"><failure message="assert 1 == 2">def test_y():` + "\n" + `&gt; assert 1 == 2</failure></testcase></testsuite></testsuites>`,
			[]Case{{Suite: "pytest", Class: "t.test_a", Name: "test_x", Result: Success, Seconds: 0.001},
				{Suite: "pytest", Class: "t.test_a", Name: "test_y", Result: Failure, Seconds: 0.002, Message: "assert 1 == 2\ndef test_y():\n> assert 1 == 2"}}},
		{"nested suites and files", `<testsuites><testsuite name="out" file="out.js"><testsuite name="in"><testcase name="a"/></testsuite>` +
			`<testsuite><testcase name="b" file="b.js"/></testsuite><testcase name="c"/></testsuite></testsuites>`,
			[]Case{{Suite: "in", Name: "a", File: "out.js", Result: Success}, {Suite: "out", Name: "b", File: "b.js", Result: Success},
				{Suite: "out", Name: "c", File: "out.js", Result: Success}}},
		{"results", `<testsuite><testcase name="e"><error type="E">boom</error></testcase><testcase name="s"><skipped/></testcase>` +
			`<testcase name="m"><skipped message="not on arm"/></testcase><testcase name="n" status="notrun"/>` +
			`<testcase name="w"><error/><failure message="worse"/><skipped/></testcase></testsuite>`,
			[]Case{{Name: "e", Result: Error, Message: "boom"}, {Name: "s", Result: Skipped}, {Name: "m", Result: Skipped, Message: "not on arm"},
				{Name: "n", Result: Skipped}, {Name: "w", Result: Failure, Message: "worse"}}},
		{"CDATA and output beside", `<testsuite><properties><property name="a" value="b"/></properties><testcase name="a"><system-out><![CDATA[<testcase name="no"/>]]></system-out>` +
			`<failure><![CDATA[a < b && c]]> and more</failure></testcase><system-err>x</system-err></testsuite>`,
			[]Case{{Name: "a", Result: Failure, Message: "a < b && c and more"}}},
		{"colours and references that XML forbids", "<testsuite><testcase name=\"a\"><failure>\x1b[31mred&#27;[0m&#x1b; &#65; \x00 #x1B[1;33mpytest#x1B[0m</failure></testcase></testsuite>",
			[]Case{{Name: "a", Result: Failure, Message: "red\ufffd A \ufffd pytest"}}},
		{"no UTF-8", "<?xml version='1.0' encoding='UTF-8'?><testsuite><testcase name=\"caf\xe9\"/></testsuite>",
			[]Case{{Name: "caf\ufffd", Result: Success}}},
		{"Latin-1", "<?xml version='1.0' encoding='ISO-8859-1'?><testsuite><testcase name=\"caf\xe9\"/></testsuite>",
			[]Case{{Name: "café", Result: Success}}},
		{"version 1.1", `<?xml version="1.1" encoding="UTF-8"?><testsuite><testcase name="a"/></testsuite>`, []Case{{Name: "a", Result: Success}}},
		{"UTF-16", utf16le(`<?xml version="1.0" encoding="UTF-16"?><testsuite><testcase name="é"/></testsuite>`), []Case{{Name: "é", Result: Success}}},
		{"byte order mark", "\xef\xbb\xbf<testsuite><testcase name='a'/></testsuite>", []Case{{Name: "a", Result: Success}}},
		{"HTML's entities", `<testsuite><testcase name="a&nbsp;b"/></testsuite>`, []Case{{Name: "a\u00a0b", Result: Success}}},
		{"several roots", `<testsuite><testcase name="a"/></testsuite><testsuite><testcase name="b"/></testsuite>`,
			[]Case{{Name: "a", Result: Success}, {Name: "b", Result: Success}}},
		{"a namespace", `<j:testsuite xmlns:j="urn:j"><j:testcase name="a"/></j:testsuite>`, []Case{{Name: "a", Result: Success}}},
		{"comments", `<!-- "<testcase> --><testsuite><!-- ' --><testcase name="a"/></testsuite>`, []Case{{Name: "a", Result: Success}}},
		{"no tests", `<testsuites/>`, nil},
	} {
		got, err := read(t, test.doc)
		if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", test.name, got, err, test.want)
		}
	}
}

func utf16le(s string) string {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

func TestReadBroken(t *testing.T) {
	for _, test := range []struct {
		name, doc string
		tests     int
		want      string
	}{
		{"cut off", "<testsuite>\n<testcase name='a'/>\n<testcase name='b'>", 1, "3:20: the file ends here"},
		{"cut off within a tag", "<testsuite>\n<testcase name='a'/><testcase na", 1, "2:33: the file ends here"},
		{"wrong end", "<testsuite><testcase name='a'/>\n</testsuites>", 1, "2:14: element <testsuite> closed by </testsuites>"},
		{"something else", "<html><body/></html>", 0, "1:7: <html> is no JUnit: the first element is <testsuites> or <testsuite>"},
		{"text", "ok 1 - works\n", 0, "2:1: no <testsuite> in it"},
		{"empty", "", 0, "1:1: no <testsuite> in it"},
		{"an unknown entity", "<testsuite>\n<testcase name='a&b'/></testsuite>", 0, "2:20: invalid character entity &b (no semicolon)"},
		{"too deep", strings.Repeat("<testsuite>", 200), 0, "1:1112: elements lie more than 100 deep"},
		{"an unknown encoding", "<?xml version='1.0' encoding='klingon'?><testsuite/>", 0, "unsupported"},
	} {
		got, err := read(t, test.doc)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || !strings.Contains(err.Error(), test.want) || len(got) != test.tests {
			t.Errorf("%s: got %d tests, %v; want %d, %s", test.name, len(got), err, test.tests, test.want)
		}
	}
}

func TestReadTellsErrorsOfTheReader(t *testing.T) {
	lost := errors.New("the pipe broke")
	err := Read(io.MultiReader(strings.NewReader("<testsuite>"), iotest.ErrReader(lost)), func(Case) {})
	if !errors.Is(err, lost) {
		t.Errorf("got %v", err)
	}
}

func TestSeconds(t *testing.T) {
	for text, want := range map[string]float64{
		"1.5": 1.5, "": 0, "x": 0, "1,234.5": 1234.5, "0,25": 0.25, "-1": 0, "NaN": 0, "Inf": 0, "1e999": 0, " 2 ": 2, "3e-3": 0.003,
	} {
		if got := seconds(text); got != want {
			t.Errorf("seconds(%q) = %v, want %v", text, got, want)
		}
	}
}

func TestLongMessagesAreCut(t *testing.T) {
	long := strings.Repeat("é", MessageLimit)
	got, err := read(t, "<testsuite><testcase name='a'><failure>"+long+"</failure></testcase></testsuite>")
	if err != nil || len(got) != 1 || len(got[0].Message) > MessageLimit+100 || !strings.HasSuffix(got[0].Message, "own file)") {
		t.Errorf("got %.100v, %v", got, err)
	}
}

// TestLongTextsKeepTheirEnds puts texts past the limit everywhere.
func TestLongTextsKeepTheirEnds(t *testing.T) {
	long := strings.Repeat("x ]] > -- é <b> ", textLimit/8)
	inComment := strings.NewReplacer("--", "").Replace(long)
	inValue := strings.NewReplacer("<", "").Replace(long)
	doc := "<testsuite><!-- " + inComment + "-->\n<testcase name='" + inValue + "' classname='c'><system-out><![CDATA[" + long + "]]></system-out><failure>" +
		inValue + "</failure></testcase><testcase name='last'/></testsuite>"
	got, err := read(t, doc)
	if err != nil || len(got) != 2 || got[0].Class != "c" || got[0].Result != Failure || got[1].Name != "last" {
		t.Errorf("got %d tests, %v", len(got), err)
	}
}

// TestHugeFilesNeedLittleMemory reads a log of 64 MB in one element, and many tests.
func TestHugeFilesNeedLittleMemory(t *testing.T) {
	log := io.LimitReader(repeat("all work and no play\n"), 64<<20)
	doc := io.MultiReader(strings.NewReader("<testsuite><testcase name='a'><system-out>"), log, strings.NewReader("</system-out></testcase></testsuite>"))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n := 0
	if err := Read(doc, func(Case) { n++ }); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 16<<20 {
		t.Errorf("the heap grew by %d MB", grown>>20)
	}
}

// repeat reads a text again and again.
type repeat string

func (r repeat) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		n += copy(p[n:], r)
	}
	return n, nil
}

func FuzzRead(f *testing.F) {
	for _, doc := range []string{
		"<testsuite name='s'><testcase name='a' time='1'><failure message='m'>t</failure></testcase></testsuite>",
		"<?xml version='1.0' encoding='latin1'?><testsuites><testsuite><testcase><skipped/></testcase></testsuite></testsuites>",
		"<testsuite><![CDATA[x]]><!-- c --><testcase name='&#27;&lt;'/></testsuite>", utf16le("<testsuite/>"), "<a", "&#x110000;",
	} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		var cases []Case
		err := Read(bytes.NewReader(doc), func(c Case) { cases = append(cases, c) })
		var syntax *SyntaxError
		if err != nil && (!errors.As(err, &syntax) || syntax.Line < 1 || syntax.Text == "") {
			t.Errorf("error without a place: %v", err)
		}
		for _, c := range cases {
			if c.Seconds < 0 || weight[c.Result] == 0 && c.Result != Success || len(c.Message) > MessageLimit+100 {
				t.Errorf("%+v", c)
			}
		}
		// What is cut into other pieces is read the same.
		var again []Case
		err2 := Read(iotest.OneByteReader(bytes.NewReader(doc)), func(c Case) { again = append(again, c) })
		if !reflect.DeepEqual(cases, again) || fmt.Sprint(err) != fmt.Sprint(err2) {
			t.Errorf("in pieces: %v, %v; whole: %v, %v", again, err2, cases, err)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	one := "<testcase classname='some.package.Class' name='a test of something' time='0.013'><system-out>" + strings.Repeat("a line of output\n", 20) + "</system-out></testcase>\n"
	doc := "<testsuite>" + strings.Repeat(one, 10_000) + "</testsuite>"
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		if err := Read(strings.NewReader(doc), func(Case) {}); err != nil {
			b.Fatal(err)
		}
	}
}
