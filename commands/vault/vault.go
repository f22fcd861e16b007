// Package vault keeps the secrets of contexts and projects: in one file that
// only its owner can read, sealed with a key of the system's keychain where
// there is one.
package vault

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gofrs/flock"
)

// A Kind is what variables belong to.
type Kind string

// The kinds of shelf.
const (
	Context Kind = "context" // variables that jobs ask for by the context's name
	Project Kind = "project" // variables that all jobs of a checkout's project get
)

// A Shelf is what variables are kept together under: a context, or a project.
type Shelf struct {
	Kind Kind
	Name string
}

// A Vault is the file of all secrets of a user. Two processes may use it at
// once.
type Vault struct {
	Dir string // made when something is set, readable by its owner alone
	Use Where
}

// A shelf's variables, by name.
type shelf map[string]entry

// An entry is one value: as it is, or sealed.
type entry struct {
	Value  string `json:"value,omitempty"`
	Sealed []byte `json:"sealed,omitempty"`
}

// A content is what the file holds.
type content struct {
	Version  int              `json:"version"`
	Contexts map[string]shelf `json:"contexts,omitempty"`
	Projects map[string]shelf `json:"projects,omitempty"`
}

// version is that of the file's format.
const version = 1

func (c *content) shelves(k Kind) map[string]shelf {
	if k == Context {
		return c.Contexts
	}
	return c.Projects
}

// longest is the size of a value: Linux gives a process no longer variable.
const longest = 128<<10 - 256

// Set keeps a value. A value that was there is replaced.
func (v *Vault) Set(s Shelf, key, value string) error {
	if err := Check(s, key, value); err != nil {
		return err
	}
	return v.change(func(c *content) error {
		e, err := v.seal(s, key, value)
		if err != nil {
			return err
		}
		all := c.shelves(s.Kind)
		if all[s.Name] == nil {
			all[s.Name] = shelf{}
		}
		all[s.Name][key] = e
		return nil
	})
}

// Check says what is wrong with a variable that is to be kept.
func Check(s Shelf, key, value string) error {
	switch {
	case !Variable(key):
		return fmt.Errorf("%q is no name of a variable: it takes letters, digits and _, and does not begin with a digit", key)
	case s.Name == "" || len(s.Name) > 255 || strings.ContainsFunc(s.Name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return fmt.Errorf("%q is no name of a %s", s.Name, s.Kind)
	case value == "":
		return fmt.Errorf("%s: the value is empty", key)
	case strings.ContainsRune(value, 0):
		return fmt.Errorf("%s: the value holds a zero byte, which no variable can: keep it in base64", key)
	case len(value) > longest:
		return fmt.Errorf("%s: the value has %d bytes, and a variable holds %d", key, len(value), longest)
	}
	return nil
}

// Variable says whether a shell can export a variable of this name.
func Variable(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// Remove forgets one variable of a shelf, or all where key is empty. What is
// not there is an fs.ErrNotExist.
func (v *Vault) Remove(s Shelf, key string) error {
	return v.change(func(c *content) error {
		all := c.shelves(s.Kind)
		if _, ok := all[s.Name]; !ok {
			return fmt.Errorf("%s %s: %w", s.Kind, s.Name, fs.ErrNotExist)
		}
		if _, ok := all[s.Name][key]; !ok && key != "" {
			return fmt.Errorf("%s %s has no %s: %w", s.Kind, s.Name, key, fs.ErrNotExist)
		}
		delete(all[s.Name], key)
		if key == "" || len(all[s.Name]) == 0 {
			delete(all, s.Name)
		}
		return nil
	})
}

// Shelves names the shelves of a kind, and the variables of each, sorted. It
// opens no value.
func (v *Vault) Shelves(k Kind) (names []string, keys map[string][]string, err error) {
	c, err := v.read()
	if err != nil {
		return nil, nil, err
	}
	keys = map[string][]string{}
	for name, s := range c.shelves(k) {
		keys[name] = slices.Sorted(maps.Keys(s))
	}
	return slices.Sorted(maps.Keys(keys)), keys, nil
}

// Values opens a shelf. One that is not there is an fs.ErrNotExist.
func (v *Vault) Values(s Shelf) (map[string]string, error) {
	c, err := v.read()
	if err != nil {
		return nil, err
	}
	all, ok := c.shelves(s.Kind)[s.Name]
	if !ok {
		return nil, fmt.Errorf("%s %s: %w", s.Kind, s.Name, fs.ErrNotExist)
	}
	values := map[string]string{}
	for key, e := range all {
		if values[key], err = v.open(s, key, e); err != nil {
			return nil, fmt.Errorf("%s %s: %s: %w", s.Kind, s.Name, key, err)
		}
	}
	return values, nil
}

// File is where the secrets are.
func (v *Vault) File() string { return filepath.Join(v.Dir, "secrets.json") }

// read reads the file. It needs no lock: a file is replaced as a whole.
func (v *Vault) read() (*content, error) {
	c := &content{Version: version}
	text, err := os.ReadFile(v.File())
	if err == nil {
		err = v.closed()
	}
	if err == nil {
		c, err = parse(text)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("secrets in %s: %w", v.File(), err)
	}
	if c.Contexts == nil {
		c.Contexts = map[string]shelf{}
	}
	if c.Projects == nil {
		c.Projects = map[string]shelf{}
	}
	return c, nil
}

func parse(text []byte) (*content, error) {
	c := &content{}
	if err := json.Unmarshal(text, c); err != nil {
		// The error must not quote the file.
		return nil, errors.New("this is not the file that popsicle wrote: mend it, or remove it and set the secrets again")
	}
	if c.Version != version {
		return nil, fmt.Errorf("the file has format %d, and this popsicle knows %d: use the popsicle that wrote it", c.Version, version)
	}
	return c, nil
}

// ErrOpen is a vault that others can read.
var ErrOpen = errors.New("others can read it")

// closed refuses a vault that others can read.
func (v *Vault) closed() error {
	for _, it := range []struct {
		name string
		mode fs.FileMode
	}{{v.Dir, 0o700}, {v.File(), 0o600}} {
		info, err := os.Stat(it.name)
		if err != nil {
			return err
		}
		if mode := info.Mode().Perm(); mode&^it.mode != 0 {
			return fmt.Errorf("%w: %s has mode %04o: chmod %o '%s'", ErrOpen, it.name, mode, it.mode, it.name)
		}
	}
	return nil
}

// change changes the file as a whole, one process at a time.
func (v *Vault) change(f func(*content) error) error {
	if err := os.MkdirAll(v.Dir, 0o700); err != nil {
		return err
	}
	lock := flock.New(filepath.Join(v.Dir, "lock"), flock.SetPermissions(0o600))
	if err := lock.Lock(); err != nil {
		return err
	}
	defer func() { _ = lock.Unlock() }() // the end of the process unlocks it as well
	c, err := v.read()
	if err == nil {
		err = f(c)
	}
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return v.write(append(text, '\n'))
}

// write replaces the file: what was there stays until all of the new one is
// on the disk.
func (v *Vault) write(text []byte) error {
	f, err := os.CreateTemp(v.Dir, "new-*") // with mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), v.File())
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
