package runner

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/plan"
)

// maskedIn masks a stream that arrives in pieces.
func maskedIn(m *Mask, pieces ...[]byte) string {
	var b bytes.Buffer
	w := m.stream(func(p []byte) { b.Write(p) })
	for _, p := range pieces {
		lent := bytes.Clone(p)
		w.Write(lent)
		clear(lent)
	}
	w.Flush()
	return b.String()
}

// maskOf masks values, the variables of which are named A, B and so on.
func maskOf(values ...string) *Mask {
	var secrets []plan.Var
	for i, v := range values {
		secrets = append(secrets, plan.Var{Name: string(rune('A' + i)), Value: v})
	}
	return NewMask(secrets)
}

// plainMask is the mask as one would write it who has the whole text: every
// byte of a secret is covered, and each run of secrets that overlap becomes
// one mask.
func plainMask(secrets []string, text string) string {
	type span struct{ from, to int }
	var spans []span
	for _, s := range secrets {
		if !secret(s) {
			continue
		}
		disguises(s, func(pattern string) {
			for i := 0; i+len(pattern) <= len(text); i++ {
				if text[i:i+len(pattern)] == pattern {
					spans = append(spans, span{i, i + len(pattern)})
				}
			}
		})
	}
	slices.SortFunc(spans, func(a, b span) int { return a.from - b.from })
	var b strings.Builder
	at := 0
	for i := 0; i < len(spans); {
		whole := spans[i]
		for i++; i < len(spans) && spans[i].from < whole.to; i++ {
			whole.to = max(whole.to, spans[i].to)
		}
		b.WriteString(text[at:whole.from] + masked)
		at = whole.to
	}
	return b.String() + text[at:]
}

func TestMask(t *testing.T) {
	tests := []struct {
		name    string
		secrets []string
		text    string
		want    string
	}{
		{"no secrets", nil, "hunter2", "hunter2"},
		{"nothing", []string{"hunter2"}, "", ""},
		{"no secret in it", []string{"hunter2"}, "hunter3 hunte", "hunter3 hunte"},
		{"the whole", []string{"hunter2"}, "hunter2", "****"},
		{"in the middle", []string{"hunter2"}, "is hunter2, I think", "is ****, I think"},
		{"at the very end", []string{"hunter2"}, "is hunter2", "is ****"},
		{"twice", []string{"hunter2"}, "hunter2 hunter2", "**** ****"},
		{"adjacent", []string{"abcd", "efgh"}, "abcdefgh", "********"},
		{"adjacent and the same", []string{"abcd"}, "abcdabcd.", "********."},
		{"overlapping", []string{"abcdef", "defghi"}, "abcdefghi!", "****!"},
		{"overlapping itself", []string{"abab"}, "ababab.", "****."},
		{"one in another", []string{"bcde", "abcdef"}, "abcdef abcde", "**** a****"},
		{"one begins another", []string{"pass", "password"}, "password passwort", "**** ****wort"},
		{"a false start", []string{"aaab"}, "aaaab aab", "a**** aab"},
		{"short ones are no secrets", []string{"abc", "", "x"}, "abcx", "abcx"},
		{"booleans are no secrets", []string{"true", "false", "True", "False", "TRUE"}, "true false TRUE", "true false ****"},
		{"over lines", []string{"-----KEY\nabc\n"}, "a\n-----KEY\nabc\nb\n", "a\n****b\n"},
		{"many in another", []string{"abcd", "efgh", "abcd.efgh.ijkl"}, "abcd.efgh.ijkl abcd.efgh.ijk abcd", "**** ****.****.ijk ****"},
		{"a key file", []string{"-----BEGIN K-----\nABCDEFGH\nIJKLMNOP\n-----END K-----\n"}, "-----BEGIN K-----\nABCDEFGH\nIJKLMNOP\n-----END K-----\nABCDEFGH\r\nIJKLMNOP\n", "********\r\n****\n"},
		{"binary", []string{"\x00\xff\xfe\x01"}, "a\x00\xff\xfe\x01b", "a****b"},
		{"a secret of stars", []string{"****"}, "a****b", "a****b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := maskOf(tt.secrets...)
			if got := m.String(tt.text); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if got := plainMask(tt.secrets, tt.text); got != tt.want {
				t.Errorf("the plain mask says %q", got)
			}
			for i := range len(tt.text) + 1 {
				if got := maskedIn(m, []byte(tt.text[:i]), []byte(tt.text[i:])); got != tt.want {
					t.Errorf("cut at %d: %q", i, got)
				}
			}
			bytewise := make([]byte, len(tt.text))
			for i := range bytewise {
				bytewise[i] = 1
			}
			if got := maskedIn(m, cut([]byte(tt.text), bytewise)...); got != tt.want {
				t.Errorf("byte by byte: %q", got)
			}
		})
	}
}

func TestMaskHoldsBackOnlyTheBeginningOfASecret(t *testing.T) {
	var got []byte
	w := maskOf("hunter2").stream(func(p []byte) { got = append(got, p...) })
	for _, step := range []struct{ in, out string }{
		{"Password: ", "Password: "}, {"hunt", ""}, {"ing\n", "hunting\n"}, {"hunter2", "****"}, {"hu", ""},
	} {
		got = nil
		w.Write([]byte(step.in))
		if string(got) != step.out {
			t.Errorf("after %q came %q, want %q", step.in, got, step.out)
		}
	}
	got = nil
	w.Flush()
	if string(got) != "hu" {
		t.Errorf("at the end came %q", got)
	}
}

// Wherever a stream is cut, exactly the secrets are masked.
func FuzzMask(f *testing.F) {
	f.Add("abcd", "cdef", "ababcdefabcd", []byte{1, 2, 3})
	f.Add("aaaa", "aaab", "aaaaaaabaaa", []byte{4, 4, 4})
	f.Add("abcabcabc", "bcab", "abcabcabcabcab", []byte{2, 9})
	f.Add("pass", "password", "passpassword passw", []byte{3, 3, 3, 3})
	f.Add("ab12\ncd34\nef56", "cd34", "ab12\ncd34\nef56 ab12\ncd34\nxx", []byte{5, 5, 5})
	f.Fuzz(func(t *testing.T, a, b, text string, cuts []byte) {
		if len(text) > 4<<10 || len(a)+len(b) > 1<<10 {
			return
		}
		secrets := []string{a, b}
		m := maskOf(secrets...)
		want := plainMask(secrets, text)
		if got := m.String(text); got != want {
			t.Fatalf("of %q and %q in %q\ngot  %q\nwant %q", a, b, text, got, want)
		}
		if got := maskedIn(m, cut([]byte(text), cuts)...); got != want {
			t.Fatalf("of %q and %q in %q, cut at %v\ngot  %q\nwant %q", a, b, text, cuts, got, want)
		}
	})
}

// A machine of few letters finds more overlaps than chance in 256.
func TestMaskOfFewLetters(t *testing.T) {
	letters := func(n, size int) string {
		b := make([]byte, size)
		for i := range b {
			b[i] = "ab"[n>>i&1]
		}
		return string(b)
	}
	for first := range 1 << 4 {
		for second := range 1 << 4 {
			secrets := []string{letters(first, 4), letters(second|16, 5)}
			m := maskOf(secrets...)
			for n := 0; n < 1<<11; n += 7 {
				text := letters(n, 11)
				want := plainMask(secrets, text)
				if got := maskedIn(m, []byte(text[:n%12]), []byte(text[n%12:])); got != want {
					t.Fatalf("%q in %q: got %q, want %q", secrets, text, got, want)
				}
			}
		}
	}
}

// random returns n letters and digits, the same ones for one seed.
func random(seed uint64, n int) string {
	const letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/"
	r := rand.New(rand.NewPCG(seed, 0))
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	return string(b)
}

// keyFile returns a value like a private key of some lines.
func keyFile(seed uint64, lines int) string {
	var b strings.Builder
	b.WriteString("-----BEGIN RSA PRIVATE KEY-----\n")
	for i := range lines {
		b.WriteString(random(seed+uint64(i), 64) + "\n")
	}
	return b.String() + "-----END RSA PRIVATE KEY-----\n"
}

// fifty are the secrets of a large project: tokens, and a key.
func fifty() []plan.Var {
	var secrets []plan.Var
	for i := range 49 {
		secrets = append(secrets, plan.Var{Name: fmt.Sprintf("TOKEN_%d", i), Value: random(uint64(i), 20+i)})
	}
	return append(secrets, plan.Var{Name: "KEY", Value: keyFile(99, 25)})
}

func BenchmarkMask(b *testing.B) {
	var piece []byte
	for i := range 800 {
		piece = fmt.Appendf(piece, "%06d the quick brown fox jumps over the lazy dog and then over the moon\n", i)
	}
	for _, bench := range []struct {
		name    string
		secrets []plan.Var
	}{{"none", nil}, {"one", fifty()[:1]}, {"fifty", fifty()}} {
		b.Run(bench.name, func(b *testing.B) {
			w := NewMask(bench.secrets).stream(func([]byte) {})
			b.SetBytes(int64(len(piece)))
			for b.Loop() {
				w.Write(piece)
			}
		})
	}
}

func BenchmarkScan(b *testing.B) {
	piece := []byte(random(7, 64<<10))
	s := NewMask(fifty()).Scan()
	b.SetBytes(int64(len(piece)))
	for b.Loop() {
		_, _ = s.Write(piece)
	}
}

func BenchmarkNewMask(b *testing.B) {
	for _, bench := range []struct {
		name    string
		secrets []plan.Var
	}{{"none", nil}, {"one", fifty()[:1]}, {"fifty", fifty()}} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				NewMask(bench.secrets)
			}
		})
	}
}

// The certificates and key files in variables must not cost more than they
// need.
func TestMaskOfALargeSecretIsSmall(t *testing.T) {
	large := keyFile(1, 520)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	m := maskOf(large)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if got, most := int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(450*len(large)); got > most {
		t.Errorf("a mask of %d KB takes %d KB", len(large)>>10, got>>10)
	}
	runtime.KeepAlive(m)
}

func TestScan(t *testing.T) {
	m := NewMask([]plan.Var{{Name: "TOKEN", Value: "hunter2"}, {Name: "OTHER", Value: "opensesame"}, {Name: "TOKEN", Value: "swordfish"}, {Name: "SHORT", Value: "abc"}})
	for text, want := range map[string]string{
		"":                       "[]",
		"nothing abc true":       "[]",
		"a hunter2":              "[TOKEN]",
		"swordfish and hunter2":  "[TOKEN]",
		"opensesame hunter2":     "[OTHER TOKEN]",
		"b3BlbnNlc2FtZQ== ":      "[OTHER]",
		"opensesam hunter swor":  "[]",
		"huntehunterhunter2":     "[TOKEN]",
		"opensesopensesameopens": "[OTHER]",
	} {
		for cut := range len(text) + 1 {
			s := m.Scan()
			_, _ = s.Write([]byte(text[:cut]))
			_, _ = s.Write([]byte(text[cut:]))
			if got := fmt.Sprint(s.Found()); got != want {
				t.Errorf("in %q, cut at %d: found %s, want %s", text, cut, got, want)
			}
		}
	}
}
