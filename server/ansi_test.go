package server

import (
	"html"
	"regexp"
	"strings"
	"testing"
)

func TestColours(t *testing.T) {
	for text, want := range map[string]string{
		"plain":                              "plain",
		"<script>&'\"":                       "&lt;script&gt;&amp;&#39;&#34;",
		"\x1b[31mred\x1b[0m not":             `<span class="f2">red</span> not`,
		"\x1b[1;92mok\x1b[m":                 `<span class="bold fb">ok</span>`,
		"\x1b[38;5;196mx\x1b[39my":           `<span class="fa">x</span>y`,
		"\x1b[48;2;0;0;0mx":                  `<span class="b1">x</span>`,
		"\x1b[7mx":                           `<span class="b8">x</span>`,
		"\x1b[38;5mx":                        `<span class="f1">x</span>`,
		"10%\r50%\r100%":                     "100%",
		"kept\r":                             "kept",
		"\x1b[31m10%\r100%":                  `<span class="f2">100%</span>`,
		"a\tb":                               "a\tb",
		"\x1b]8;;http://x\x07link\x1b]8;;\a": "link",
		"\x1b[2K\x1b[1Gup":                   "up",
		"\xff\xfe":                           "�",
		"\x00\x07\x08nul":                    "nul",
	} {
		if got := string(newColourist().line([]byte(text))); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestColoursGoOn(t *testing.T) {
	c := newColourist()
	c.line([]byte("\x1b[32mgreen"))
	if got := c.line([]byte("still")); got != `<span class="f3">still</span>` {
		t.Error(got)
	}
	c.reset()
	if got := c.line([]byte("anew")); got != "anew" {
		t.Error(got)
	}
}

var ours = regexp.MustCompile(`<span class="[a-g0-9]*[a-z0-9 ]+">|</span>`)

func FuzzColours(f *testing.F) {
	f.Add([]byte("\x1b[31mred\x1b[0m <b>&amp;\r\x1b]0;title\a"))
	f.Add([]byte("\x1b[38;5;999;1;48;2;1m\xff\x1b[<x"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c := newColourist()
		c.line(text)
		got := string(c.line(text))
		if opened := strings.Count(got, "<span"); opened != strings.Count(got, "</span>") {
			t.Errorf("%q: spans do not close: %s", text, got)
		}
		plain := ours.ReplaceAllString(got, "")
		if strings.ContainsAny(plain, "<>\"'") || html.EscapeString(html.UnescapeString(plain)) != plain {
			t.Errorf("%q: not escaped: %s", text, got)
		}
	})
}
