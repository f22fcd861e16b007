package vault

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/zalando/go-keyring"
)

var deploy = Shelf{Context, "deploy"}

func newVault(t *testing.T, use Where) *Vault {
	t.Helper()
	return &Vault{Dir: filepath.Join(t.TempDir(), "contexts"), Use: use}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestVault(t *testing.T) {
	for _, use := range []Where{File, Auto, Keychain} {
		t.Run(string(use), func(t *testing.T) {
			keyring.MockInit()
			v := newVault(t, use)
			if names, _, err := v.Shelves(Context); err != nil || len(names) != 0 {
				t.Errorf("an empty vault has %v, %v", names, err)
			}
			if _, err := v.Values(deploy); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("an unknown context: %v", err)
			}
			must(t, v.Set(deploy, "TOKEN", "hunter2-hunter2"))
			must(t, v.Set(deploy, "KEY", "one\ntwo\x01\n"))
			must(t, v.Set(deploy, "TOKEN", "opensesame"))
			must(t, v.Set(Shelf{Project, "deploy"}, "TOKEN", "of a project"))
			values, err := v.Values(deploy)
			must(t, err)
			if fmt.Sprint(values) != "map[KEY:one\ntwo\x01\n TOKEN:opensesame]" {
				t.Errorf("got %q", values)
			}
			names, keys, err := v.Shelves(Context)
			must(t, err)
			if !slices.Equal(names, []string{"deploy"}) || !slices.Equal(keys["deploy"], []string{"KEY", "TOKEN"}) {
				t.Errorf("it lists %v, %v", names, keys)
			}
			text, err := os.ReadFile(v.File())
			must(t, err)
			if plain := strings.Contains(string(text), "opensesame"); plain != (use == File) {
				t.Errorf("the file holds the value as it is: %v", plain)
			}
			must(t, v.Remove(deploy, "TOKEN"))
			if err := v.Remove(deploy, "TOKEN"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("removed twice: %v", err)
			}
			must(t, v.Remove(deploy, ""))
			if err := v.Remove(deploy, ""); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a context removed twice: %v", err)
			}
			if values, err := v.Values(Shelf{Project, "deploy"}); err != nil || values["TOKEN"] != "of a project" {
				t.Errorf("the project has %v, %v", values, err)
			}
		})
	}
}

func TestVaultWithoutKeychain(t *testing.T) {
	keyring.MockInitWithError(errors.New("no keychain here"))
	v := newVault(t, Keychain)
	if err := v.Set(deploy, "TOKEN", "hunter2"); err == nil || !strings.Contains(err.Error(), "no keychain here") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
	v.Use = Auto
	must(t, v.Set(deploy, "TOKEN", "hunter2"))
	if values, err := v.Values(deploy); err != nil || values["TOKEN"] != "hunter2" {
		t.Errorf("got %v, %v", values, err)
	}
}

func TestSealedValuesStayWhereTheyAre(t *testing.T) {
	keyring.MockInit()
	v := newVault(t, Keychain)
	must(t, v.Set(deploy, "TOKEN", "hunter2"))
	must(t, v.change(func(c *content) error {
		c.Contexts["other"] = c.Contexts["deploy"]
		return nil
	}))
	if values, err := v.Values(Shelf{Context, "other"}); err == nil {
		t.Errorf("a moved value opens: %v", values)
	}
	must(t, keyring.Delete(service, v.Dir))
	if _, err := v.Values(deploy); err == nil || !strings.Contains(err.Error(), "unlock the keychain") {
		t.Errorf("without its key: %v", err)
	}
}

func TestVaultRefusesWhatOthersCanRead(t *testing.T) {
	v := newVault(t, File)
	must(t, v.Set(deploy, "TOKEN", "hunter2"))
	for name, mode := range map[string]fs.FileMode{v.Dir: 0o700, v.File(): 0o600} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
	}
	must(t, os.Chmod(v.File(), 0o640))
	for _, err := range []error{second(v.Values(deploy)), v.Set(deploy, "TOKEN", "x"), v.Remove(deploy, "")} {
		if !errors.Is(err, ErrOpen) || !strings.Contains(err.Error(), "chmod 600 '"+v.File()+"'") {
			t.Errorf("got %v", err)
		}
	}
	must(t, os.Chmod(v.File(), 0o600))
	must(t, os.Chmod(v.Dir, 0o755))
	if _, err := v.Values(deploy); !errors.Is(err, ErrOpen) || !strings.Contains(err.Error(), "chmod 700 '"+v.Dir+"'") {
		t.Errorf("got %v", err)
	}
}

func second(_ map[string]string, err error) error { return err }

func TestVaultRefusesValues(t *testing.T) {
	v := newVault(t, File)
	for _, tt := range []struct{ shelf, key, value, want string }{
		{"deploy", "1A", "secret", `"1A" is no name of a variable`},
		{"deploy", "", "secret", `"" is no name of a variable`},
		{"deploy", "A-B", "secret", `"A-B" is no name of a variable`},
		{"", "A", "secret", `"" is no name of a context`},
		{"a\nb", "A", "secret", `"a\nb" is no name of a context`},
		{"deploy", "A", "", "A: the value is empty"},
		{"deploy", "A", "secret\x00", "A: the value holds a zero byte"},
		{"deploy", "A", strings.Repeat("secret", 1<<15), "A: the value has 196608 bytes"},
	} {
		err := v.Set(Shelf{Context, tt.shelf}, tt.key, tt.value)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q %q: %v", tt.shelf, tt.key, err)
		}
	}
}

// Each of many writers at once finds what the others wrote.
func TestVaultOfManyWriters(t *testing.T) {
	v := newVault(t, File)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			other := &Vault{Dir: v.Dir, Use: File}
			if err := other.Set(deploy, fmt.Sprintf("KEY_%d", i), "value"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if values, err := v.Values(deploy); err != nil || len(values) != 20 {
		t.Errorf("%d values, %v", len(values), err)
	}
	if left, _ := filepath.Glob(filepath.Join(v.Dir, "new-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// What is not the vault's file is an error that does not quote it.
func FuzzParse(f *testing.F) {
	f.Add(`{"version":1,"contexts":{"deploy":{"A":{"value":"hunter2"}}}}`)
	f.Add(`{"version":2}`)
	f.Add(`{"version":1,"contexts":{"deploy":"hunter2"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parse([]byte(text))
		if (c == nil) == (err == nil) {
			t.Fatalf("%v, %v", c, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Fatalf("the error quotes the file: %v", err)
		}
	})
}
