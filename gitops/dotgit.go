package gitops

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// GitOptions say how a job's repository is made.
type GitOptions struct {
	Alternates []string // object directories, by their paths in the container
	UID, GID   int      // the owner of everything
	Prefix     string   // the folder of the checkout, as in TarOptions
	Branch     string   // the branch to be on; empty, and Tag too: the tree's own
	Tag        string   // the tag to be at, on no branch
	// Base is what already lies in the container: a file that it has keeps its
	// mtime there, and the index must say the same.
	Base *Manifest
}

// WriteGit writes a tar stream of a .git folder for the job: at the tested
// commit, on its branch, with the branches, tags and origin's branches of the
// user's repository, and an index by which git sees at once which files differ
// from the commit. Of the user's configuration only the address of origin is
// in it, without credentials. Objects are found in o.Alternates, or come from
// WritePack.
func (t *Tree) WriteGit(ctx context.Context, w io.Writer, o GitOptions) error {
	if o.Branch == "" && o.Tag == "" {
		o.Branch, o.Tag = t.snapshot.head.Branch, t.snapshot.head.Tag
	}
	refs, err := t.refs(ctx, o)
	if err != nil {
		return err
	}
	shallow, err := os.ReadFile(filepath.Join(t.snapshot.repo.CommonDir, "shallow"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var idx bytes.Buffer
	if err := encodeIndex(&idx, t.snapshot.repo.format, t.commitIndex(o.Base)); err != nil {
		return err
	}
	// Now, not the time of the commit: git reads every file anew that is
	// younger than the index.
	a := newArchive(w, joinSlash(o.Prefix, ".git"), o.UID, o.GID, time.Now())
	return writeDotGit(a, []dotFile{
		{"HEAD", headFile(o, t.Commit)},
		{"config", t.gitConfig(o)},
		{"packed-refs", refs.packed()},
		{"refs/remotes/origin/HEAD", refs.originHead()},
		{"shallow", string(shallow)},
		{"objects/info/alternates", lines(o.Alternates)},
		{"index", idx.String()},
	})
}

// A dotFile is one file of a .git folder; an empty one is not written.
type dotFile struct{ path, text string }

func writeDotGit(a *archive, files []dotFile) error {
	if err := a.root(); err != nil {
		return err
	}
	for _, dir := range []string{"objects/info", "objects/pack", "refs/heads", "refs/tags", "info"} {
		if err := a.folder(dir); err != nil {
			return err
		}
	}
	for _, f := range files {
		if f.text == "" {
			continue
		}
		if err := a.text(f.path, f.text); err != nil {
			return err
		}
	}
	return a.tar.Close()
}

// headFile is the content of HEAD.
func headFile(o GitOptions, commit string) string {
	if o.Branch != "" {
		return "ref: refs/heads/" + o.Branch + "\n"
	}
	return commit + "\n"
}

// gitConfig is the configuration of the job's repository. Size and mtime are
// all that the index knows of the files, so git shall ask for no more.
func (t *Tree) gitConfig(o GitOptions) string {
	s := t.snapshot
	partial := s.config.get("extensions.partialclone") != ""
	var c strings.Builder
	version, extensions := 0, ""
	if s.repo.format.name != sha1Format.name {
		version, extensions = 1, "[extensions]\n\tobjectFormat = "+s.repo.format.name+"\n"
	}
	if partial {
		version, extensions = 1, extensions+"[extensions]\n\tpartialClone = origin\n"
	}
	fmt.Fprintf(&c, "[core]\n\trepositoryFormatVersion = %d\n\tfileMode = true\n\tbare = false\n\tlogAllRefUpdates = true\n"+
		"\tcheckStat = minimal\n\ttrustCtime = false\n%s[gc]\n\tauto = 0\n", version, extensions)
	if s.origin.url != "" {
		fmt.Fprintf(&c, "[remote \"origin\"]\n\turl = %s\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n", configQuote(s.origin.url))
		if o.Branch != "" {
			fmt.Fprintf(&c, "[branch %s]\n\tremote = origin\n\tmerge = %s\n", configQuote(o.Branch), configQuote("refs/heads/"+o.Branch))
		}
	}
	return c.String()
}

// configQuote writes a value, or the middle part of a key, for git's config.
func configQuote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

// lines ends each text with a line end.
func lines(texts []string) string {
	if len(texts) == 0 {
		return ""
	}
	return strings.Join(texts, "\n") + "\n"
}

// joinSlash puts a name into a folder, "" being none.
func joinSlash(dir, name string) string {
	if dir = strings.Trim(dir, "/"); dir == "" {
		return name
	}
	return dir + "/" + name
}
