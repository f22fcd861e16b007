package orb

import (
	"context"
	"fmt"
	"path"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// Vendored is what vendoring made: the lock file's content, and the files it
// names, by their paths beside it.
type Vendored struct {
	Lock  Lock
	Files map[string][]byte
}

// Vendor fetches the orbs that a config refers to, and those that they import,
// each reference once.
func Vendor(ctx context.Context, r Registry, refs []string) (*Vendored, error) {
	v := &Vendored{Lock: Lock{}, Files: map[string][]byte{}}
	for len(refs) > 0 {
		ref := refs[0]
		refs = refs[1:]
		if _, have := v.Lock[ref]; have {
			continue
		}
		version, source, err := r.Fetch(ctx, ref)
		if err != nil {
			return nil, err
		}
		n, err := parse(ref, source)
		if err != nil {
			return nil, fmt.Errorf("orb %s: %w", ref, err)
		}
		e := Entry{Version: version, SHA256: Sum(source), File: fileName(ref, version, source)}
		v.Lock[ref], v.Files[e.File] = e, source
		refs = append(refs, Refs(n)...)
	}
	return v, nil
}

// fileName is where an orb is kept: ns/name@1.2.3.yml, or by its hash for a URL.
func fileName(ref, version string, source []byte) string {
	r, ok := ParseRef(ref)
	if !ok {
		return path.Join("url", Sum(source)[:16]+".yml")
	}
	return path.Join(r.Namespace, r.Name+"@"+path.Base(version)+".yml")
}

// Refs lists the orbs of the registry, and the URLs, that a config or an orb
// imports, its inline orbs included. Templates are not filled in.
func Refs(n *tree.Node) []string {
	var refs []string
	orbs := n.Get("orbs")
	if orbs == nil {
		return nil
	}
	for _, p := range orbs.Pairs {
		if p.Value.Kind == tree.Map {
			refs = append(refs, Refs(p.Value)...)
			continue
		}
		if _, registered := ParseRef(p.Value.Text); registered || IsURL(p.Value.Text) {
			refs = append(refs, p.Value.Text)
		}
	}
	return refs
}
