package orb_test

import (
	"testing"
	"testing/fstest"

	"github.com/popsicle-ci/popsicle/runner/config/orb"
)

func FuzzParseLock(f *testing.F) {
	f.Add([]byte("# comment\na/b@1 1.0.0 aa a/b@1.0.0.yml\n"))
	f.Add([]byte("a b c d\n\n x"))
	f.Fuzz(func(t *testing.T, text []byte) {
		lock, err := orb.ParseLock("orbs.lock", text)
		if err != nil {
			return
		}
		back, err := orb.ParseLock("orbs.lock", lock.Format())
		if err != nil || len(back) != len(lock) {
			t.Errorf("%q is written as %q: %v", text, lock.Format(), err)
		}
	})
}

// FuzzInclude packs an orb of one command that includes what the fuzzer writes.
func FuzzInclude(f *testing.F) {
	for _, s := range []string{"<<include(x)>>", "a << include( x ) >> b <<include(x)>>", "<< include(", "<<<<include(x)>>", "include(x) << y"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		files := fstest.MapFS{"@orb.yml": {Data: []byte("version: 2.1")}, "x": {Data: []byte("X <<")}, "commands/c.yml": {Data: []byte("steps:\n- run: " + text + "\n")}}
		_, _ = orb.Read(files, ".") // it must not panic: most texts are no YAML
	})
}
