package gitops

import (
	"net/url"
	"slices"
	"strings"
)

// A remote is where a repository comes from.
type remote struct {
	name string
	url  string // without credentials
	host string
	slug string // "owner/name"
}

// remote chooses the remote that a job sees as origin: "origin", else the one
// that branch follows, else the first by name.
func (c config) remote(branch string) remote {
	names := c.names("remote", "url")
	slices.Sort(names)
	if len(names) == 0 {
		return remote{}
	}
	name := names[0]
	for _, wish := range []string{c.get("branch." + branch + ".remote"), "origin"} {
		if slices.Contains(names, wish) {
			name = wish
		}
	}
	return parseRemote(name, c.rewrite(c["remote."+name+".url"][0]))
}

// rewrite applies the longest url.BASE.insteadOf that fits, as git does.
func (c config) rewrite(address string) string {
	var base, longest string
	for _, name := range c.names("url", "insteadof") {
		for _, short := range c["url."+name+".insteadof"] {
			if strings.HasPrefix(address, short) && len(short) > len(longest) {
				base, longest = name, short
			}
		}
	}
	return base + address[len(longest):]
}

// parseRemote takes an address apart: a URL, the short ssh form
// [user@]host:path, or a path on this machine, which has no host.
func parseRemote(name, address string) remote {
	r := remote{name: name, url: address}
	if u, err := url.Parse(address); err == nil && strings.Contains(address, "://") {
		r.host = u.Hostname()
		u.User = userOf(u)
		u.RawQuery, u.Fragment = "", "" // tokens hide there too
		r.url, r.slug = u.String(), slug(u.Path)
		return r
	} else if strings.Contains(address, "://") {
		return remote{name: name} // not an address; who knows what is in it
	}
	host, path, found := strings.Cut(address, ":")
	if !found || strings.Contains(host, "/") {
		return r
	}
	r.host = host[strings.LastIndex(host, "@")+1:]
	r.slug = slug(path)
	return r
}

// userOf keeps the name that ssh needs, never a password, and nothing at all
// of http's, where the name may be a token.
func userOf(u *url.URL) *url.Userinfo {
	if u.Scheme != "ssh" || u.User == nil {
		return nil
	}
	return url.User(u.User.Username())
}

// slug is the "owner/name" at the end of a path.
func slug(path string) string {
	parts := strings.Split(strings.TrimSuffix(strings.Trim(path, "/"), ".git"), "/")
	if n := len(parts); n >= 2 {
		return parts[n-2] + "/" + parts[n-1]
	}
	return ""
}
