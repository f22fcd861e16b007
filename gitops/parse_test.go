package gitops

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The hash must be git's own for every shape of tree; the property test of
// the working tree has the many, this one the exact.
func TestTreeHash(t *testing.T) {
	if got, err := sha1Format.tree(nil); err != nil || got != "4b825dc642cb6eb9a060e54bf8d69288fbee4904" {
		t.Errorf("the empty tree is %s, %v", got, err)
	}
	if _, err := sha1Format.tree([]node{{"a", Regular, "xyz"}}); err == nil || !strings.Contains(err.Error(), `"a"`) {
		t.Errorf("bad object name: %v", err)
	}
}

func TestParseTreeRefuses(t *testing.T) {
	for _, out := range []string{"100644 blob abc\tpath\x00", "100644 blob " + blob1 + " path\x00", "x blob " + blob1 + "\tp\x00", "100644 blob " + blob1 + "\t\x00"} {
		if nodes, err := parseTree([]byte(out), sha1Format); err == nil {
			t.Errorf("%q gave %v", out, nodes)
		}
	}
}

func TestParseRefs(t *testing.T) {
	out := "refs/heads/main " + blob1 + "  \nrefs/remotes/up/HEAD " + blob1 + "  refs/remotes/up/main\nrefs/remotes/up/main " + blob1 + "  \nrefs/tags/v1 " + blob1 + " " + blob1 + " \n"
	l, err := parseRefs(out, "refs/remotes/up/", sha1Format)
	if err != nil {
		t.Fatal(err)
	}
	want := "# pack-refs with: peeled fully-peeled sorted \n" + blob1 + " refs/heads/main\n" + blob1 + " refs/remotes/origin/main\n" + blob1 + " refs/tags/v1\n^" + blob1 + "\n"
	if got := l.packed(); got != want {
		t.Errorf("got\n%s", got)
	}
	if got := l.originHead(); got != "ref: refs/remotes/origin/main\n" {
		t.Errorf("origin's HEAD: %q", got)
	}
}

// A damaged index must be told from a good one without harm, and what is read
// must be the same when it is written and read again.
func FuzzDecodeIndex(f *testing.F) {
	c := newCheckout(f)
	c.write(map[string]string{"dir/a": "1", "dir/b": "2", "z": "3"})
	c.git("add", "-A")
	c.write(map[string]string{"later": ""})
	c.git("add", "-N", "later")
	for _, version := range []string{"4", "3"} {
		c.git("update-index", "--index-version", version)
		data, err := os.ReadFile(filepath.Join(c.dir, ".git/index"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := decodeIndex(data, sha1Format)
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := encodeIndex(&b, sha1Format, entries); err != nil {
			t.Fatal(err)
		}
		again, err := decodeIndex(b.Bytes(), sha1Format)
		if err != nil || len(again) != len(entries) {
			t.Fatalf("%d entries became %d: %v", len(entries), len(again), err)
		}
		for i := range again {
			if again[i].node != entries[i].node {
				t.Errorf("%+v became %+v", entries[i].node, again[i].node)
			}
		}
	})
}

// FuzzGitOutput feeds the parsers of what git prints.
func FuzzGitOutput(f *testing.F) {
	f.Add([]byte("100644 blob " + blob1 + "\tpath\x00"))
	f.Add([]byte("refs/heads/a " + blob1 + "  \nrefs/remotes/o/HEAD " + blob1 + "  refs/remotes/o/a\n"))
	f.Add([]byte("remote.origin.url\nhttps://a:b@c/d\x00url.x.insteadof\nh\x00core.bare\x00"))
	f.Add([]byte("commit x\nH\x00T\x001\x00a\x00e\x00s\x00b\x00\n"))
	f.Add([]byte("sha1\ntrue\n/r/.git\n.git\n/r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if nodes, err := parseTree(data, sha1Format); err == nil {
			_, _ = sha1Format.tree(nodes) // out of order is an error, never a panic
		}
		if l, err := parseRefs(string(data), "refs/remotes/o/", sha1Format); err == nil {
			_ = l.packed() + l.originHead() + strings.Join(l.tips(), "")
		}
		c := parseConfig(data)
		_, _ = c.remote("main"), c.statRules()
		_, _ = parseCommit(string(data))
		_, _ = parseRepo("/r", string(data))
		_ = parseAlternates(string(data), "/r")
		if r := parseRemote("origin", "https://ada:hunter2@"+string(data)); strings.Contains(r.url, "hunter2") {
			t.Errorf("%q keeps the password", r.url)
		}
	})
}
