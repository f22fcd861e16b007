package runner

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestHostileTars(t *testing.T) {
	file := func(name string) *tar.Header { return &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644} }
	for name, headers := range map[string][]*tar.Header{
		"up":           {file("d/../../etc/passwd")},
		"absolute":     {file("/etc/passwd")},
		"elsewhere":    {file("./other")},
		"behind link":  {{Typeflag: tar.TypeSymlink, Name: "d/l", Linkname: "/etc"}, file("d/l/passwd")},
		"link up":      {{Typeflag: tar.TypeLink, Name: "d/l", Linkname: "../etc/passwd"}},
		"link outside": {{Typeflag: tar.TypeLink, Name: "d/l", Linkname: "etc/passwd"}},
	} {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, h := range headers {
			if err := w.WriteHeader(h); err != nil {
				t.Fatal(err)
			}
		}
		w.Close()
		p := &packer{to: tar.NewWriter(io.Discard), mask: NewMask(nil)}
		if err := p.add(&b, "", roots{"d": true}); !errors.Is(err, errHostile) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	_ = w.WriteHeader(&tar.Header{Typeflag: tar.TypeChar, Name: "d/null"})
	_ = w.WriteHeader(&tar.Header{Typeflag: tar.TypeFifo, Name: "d/pipe"})
	w.Close()
	p := &packer{to: tar.NewWriter(io.Discard), mask: NewMask(nil)}
	if err := p.add(&b, "", roots{"d": true}); err != nil || p.special != 2 || p.files != 0 {
		t.Errorf("devices: %d special, %d files, %v", p.special, p.files, err)
	}
}

func testKeys() keyMaker {
	return keyMaker{
		data:     keyData{Branch: "main", BuildNum: "7", Revision: "abc", Environment: map[string]string{"X": "y"}},
		now:      func() time.Time { return time.Unix(1234, 0) },
		arch:     func() (string, error) { return "arch1-linux-amd64-6_62", nil },
		checksum: func(string) (string, error) { return "a+/=", nil },
	}
}

func TestKeys(t *testing.T) {
	for text, want := range map[string]string{
		`v1-{{ .Branch }}-{{ .BuildNum }}-{{ .Revision }}`: "v1-main-7-abc",
		`{{ checksum "f" }}-{{ epoch }}-{{ arch }}`:        "a+/=-1234-arch1-linux-amd64-6_62",
		`{{ .Environment.X }}{{ .CheckoutKey }}`:           "y",
		" k \n":                                            "k",
		"":                                                 "error",
		"{{":                                               "error",
		"{{ .Nothing }}":                                   "error",
		"{{ range 9 }}x{{ end }}":                          "error",
		`{{ define "t" }}{{ template "t" }}{{ end }}{{ template "t" }}`: "error",
		strings.Repeat("é", 900): strings.Repeat("é", 900),
		strings.Repeat("x", 901): "error",
	} {
		got, err := testKeys().make(text)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
}

func FuzzKeys(f *testing.F) {
	f.Add(`v1-{{ checksum "f" }}`)
	f.Fuzz(func(t *testing.T, text string) {
		if key, err := testKeys().make(text); err == nil && (key == "" || len([]rune(key)) > maxKey) {
			t.Errorf("%q", key)
		}
	})
}

func TestGlobs(t *testing.T) {
	for pattern, want := range map[string]glob{
		"a/b":     {"a/b", "a/b", 0},
		".":       {".", ".", 0},
		"a/*/c":   {"a/*/c", "a", 2},
		"**":      {"**", ".", 1},
		"./x[ab]": {"x[ab]", ".", 1},
	} {
		if got, err := parseGlob(pattern); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", pattern, got, err, want)
		}
	}
}
