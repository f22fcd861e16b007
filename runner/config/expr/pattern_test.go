package expr_test

import (
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/config/expr"
)

// patterns are what regular expressions can hold, in the order of the public
// cases of the language (CircleCI-Public/expr, re2-cases): each with texts it
// matches as a whole and texts it does not. The two implementations there
// disagree where a match is not the leftmost one (a|ab on "ab", a?? on "a",
// (?U)a+): popsicle matches whatever can be matched. What compiles is what
// Go's regexp takes.
var patterns = []struct{ pattern, yes, no string }{
	{"", "<>", "a"},
	{"abc", "abc", "ab abcd ABC"},
	{"a|ab", "a ab", "b"},
	{"ab|a", "a ab", "abb"},
	{"a*", "<> aaa", "b"},
	{"a+?b", "ab aab", "b"},
	{"a??", "<> a", "aa"},
	{"(a|b)*c", "abac c", "abd"},
	{"x{2}", "xx", "x xxx"},
	{"x{2,}", "xx xxxxx", "x"},
	{"x{2,3}", "xx xxx", "x xxxx"},
	{"x{0}", "<>", "x"},
	{"x{,3}", "x{,3}", "xxx"},
	{"x{01}", "x{01}", "x"},
	{"x{a}", "x{a}", "x"},
	{"{", "{", "}"}, {"}", "}", "{"}, {"]", "]", "["},
	{"a{2", "a{2", "aa"},
	{"(x{100}){10}", strings.Repeat("x", 1000), "x"},
	{"((x{10}){10}){10}", strings.Repeat("x", 1000), "x"},
	{"(x{0}){1000}", "<>", "x"},
	{"(x{2,}){500}", strings.Repeat("x", 1000), "x"},
	{"a*?", "<> aaa", "b"},
	{"^*", "<>", "a"}, {"$+", "<>", "a"}, {`\b*`, "<>", "a"},
	{"a(?i)*", "<> aaa", "AAA"}, {"a*(?i)*", "<> aa", "b"},
	{".", "a é <CR> <NBSP>", "<LF> ab"}, {"(?s).", "a <LF>", "<>"},
	{"a.c", "abc", "a<LF>c"},
	{"^abc$", "abc", "abcd"}, {"a^b", "", "ab"},
	{`(?m)^a$\nb`, "a<LF>b", "ab"}, {"(?m)a$", "a", "a<LF>"},
	{`\Aab\z`, "ab", "abc"},
	{`a\bb`, "", "ab"}, {`\bfoo\b`, "foo", "food"}, {`\Bo\B`, "", "o"},
	{`\.`, ".", "a"},
	{`\*\+\?\(\)\[\]\{\}\|\^\$`, "*+?()[]{}|^$", "*"},
	{"\\-\\_\\#\\!\\\"\\'\\@\\%\\&\\~\\`\\=\\:\\;\\,", "-_#!\"'@%&~`=:;,", "-"},
	{`\/`, "/", `\/`}, {`\\`, `\`, `\\`}, {`a\\`, `a\`, "a"},
	{`\a\f\t\n\r\v`, "<BEL><FF><TAB><LF><CR><VT>", "<TAB>"},
	{`\0`, "<NUL>", "0"}, {`\07`, "<BEL>", "7"}, {`\101`, "A", "101"}, {`\1018`, "A8", "A"}, {`\12`, "<LF>", "12"},
	{`\x41`, "A", "x41"}, {`\x{41}`, "A", "B"}, {`\x{10FFFF}`, "\U0010ffff", "a"},
	{`a\Qb*c\Ed`, "ab*cd", "abbcd"}, {`\Qa.b`, "a.b", "axb"}, {`a\Q\E*`, "<> aa", "b"}, {`\Q)`, ")", "a"},
	{`\d+`, "123", "12a ١"}, {`\D`, "a", "1"},
	{`\s`, "<SP> <TAB> <LF>", "<VT> <NBSP>"}, {`\S`, "a <VT>", "<SP>"},
	{`\w+`, "a_1", "é"}, {`\W`, "-", "a"},
	{`\pL`, "a é", "1"}, {`\pN`, "1", "a"}, {`\p{Lu}`, "A", "a"}, {`\PL`, "1", "a"}, {`\p{^L}`, "1", "a"}, {`\P{^L}`, "a", "1"},
	{`\p{Greek}`, "α", "a"}, {`\p{Latin}`, "a", "α"}, {`\p{Any}`, "a <LF>", "<>"}, {`(?i)\p{Lu}`, "a A", "1"},
	{`[\p{Lu}\d]`, "A 1", "a"}, {`[^\pL]`, "1", "a"},
	{"[abc]", "a", "d"}, {"[^abc]", "d <LF>", "a"}, {"[a-z]+", "hello", "Hello"},
	{"[]a]", "] a", "b"}, {"[^]a]", "b", "] a"},
	{"[a-]", "- a", "b"}, {"[-a]", "- a", "b"}, {"[a-b-c]", "- c", "d"}, {`[a\-z]`, "- a z", "b"}, {`[\d-z]`, "- 5 z", "a"},
	{`[\]]`, "]", "a"}, {`[\[]`, "[", "a"}, {"[[]", "[", "a"}, {"[a[]", "[ a", "b"}, {`[\\]`, `\`, "a"}, {"[.]", ".", "a"},
	{`[\n]`, "<LF>", "n"}, {`[\x41-\x43]`, "B", "D"}, {`[\0-\x{10FFFF}]`, "a", "<>"},
	{"[[:alpha:]]+", "abc", "ab1"}, {"[[:^alpha:]]", "1", "a"}, {"[[:digit:][:upper:]]", "A 1", "a"},
	{"[[:word:]]", "_", "-"}, {"[[:space:]]", "<VT>", "a"}, {"[[:punct:]]", "!", "a"},
	{"[[:]", ":", "a"}, {"[[:a]", "a :", "b"}, {"[:alpha:]", "a :", "b"},
	{`[\s\S]`, "x", "xx"}, {`[^\S]`, "<SP>", "a"}, {`[^\d\s]`, "a", "1 <SP>"}, {`[\W\d]`, "1 -", "a"},
	{"(?i)[a-c]", "B", "D"}, {"(?i)[^a]", "b", "A"},
	{"(a)(b)", "ab", "a"}, {"(?:ab)+", "abab", "aba"}, {"(?P<name>a)", "a", "b"}, {"(?<name>a)", "a", "b"}, {"(?P<1a>a)", "a", "b"}, {"(?P<a>x)(?P<a>y)", "xy", "x"},
	{"()", "<>", "a"}, {"(|a)", "<> a", "b"}, {"(?:)", "<>", "a"}, {"(?)", "<>", "a"},
	{"(?i)abc", "ABC aBc", "ab"}, {"(?i:a)b", "Ab", "AB"}, {"a(?i)b", "aB", "AB"}, {"a(?i)b|c", "aB C", "AB"}, {"(a(?i)b)c", "aBc", "aBC"},
	{"(?i)a(?-i)b", "Ab", "AB"}, {"(?i)a(?-i:b)c", "AbC", "ABC"}, {"(?-i)a", "a", "A"},
	{"(?i-s).", "a", "<LF>"}, {"(?s-i).", "<LF>", "<>"}, {"(?ims)a", "A", "b"},
	{"(?U)a+", "aaa", "b"}, {"(?U)(a+)(a*)", "aaa", "b"}, {"(?U)a+?", "aaa", "b"},
	{"(?i)k", "K \u212a", "l"}, {"(?i)s", "ſ", "t"}, {`(?i)\w`, "\u212a", "-"},
	{"(a|ab)(c|bcd)(d*)", "abcd", "ad"}, {"(?:a|b)*?b", "aab", "aa"},
	{"^hello", "hello", "hello<SP>world"}, {`hello\s\w+`, "hello<SP>world", "hello"}, {"fo+d", "food fod", "fd"},
}

// spell gives the texts of a column: <LF> and its like stand for what cannot be seen.
func spell(column string) []string {
	words := strings.Fields(column)
	for i, w := range words {
		words[i] = strings.NewReplacer("<>", "", "<LF>", "\n", "<CR>", "\r", "<TAB>", "\t", "<VT>", "\v", "<FF>", "\f",
			"<BEL>", "\a", "<NUL>", "\x00", "<SP>", " ", "<NBSP>", "\u00a0").Replace(w)
	}
	return words
}

func TestWhatPatternsMatch(t *testing.T) {
	for _, c := range patterns {
		p, err := expr.NewPattern(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		for _, text := range spell(c.yes) {
			if !p.Match(text) {
				t.Errorf("%s does not match %q", c.pattern, text)
			}
		}
		for _, text := range spell(c.no) {
			if p.Match(text) {
				t.Errorf("%s matches %q", c.pattern, text)
			}
		}
	}
}

func TestWhatIsNoPattern(t *testing.T) {
	for _, text := range strings.Fields(`x{1001} x{2,1} x{99999999999} (x{100}){11} ((x{10}){10}){11} ((x{500})*){3} (x{2,}){501}
		* a** a*+ a*?? a{2}* a*{2} (*) a|* (?i)* \Z \G \C \e \y \1 \8 \x4 \xZZ \x{} \x{110000} \Q\E* \ \é
		\p{Grek} \p{Script=Greek} \p{Nope} \p{Lu \p \p{} [z-a] [] [^] [a [a-\d] [\b] [[:foo:]] [[:alpha:] [\Q]\E]
		(?P<a-b>a) (?P<>a) (?P<a (?P=a) (?P>a) (?=a) (?!a) (?<=a) (?<!a) (?#comment) (?>a) (?|a) (a a) )
		(?i-) (?-) (?--i) (?x) (?i foo(?:bar`) {
		if _, err := expr.NewPattern(text); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}
