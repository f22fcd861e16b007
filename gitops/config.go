package gitops

import (
	"context"
	"strings"
)

// A config is git's configuration as it holds in one checkout: every value of
// every key, the keys as git spells them, the last value the one that counts.
type config map[string][]string

// readConfig asks git for the configuration of the checkout.
func (r *Repo) readConfig(ctx context.Context) (config, error) {
	out, err := git(r.Root, "config", "--list", "-z").output(ctx)
	if err != nil {
		return nil, err
	}
	return parseConfig(out), nil
}

// parseConfig reads the output of `git config --list -z`. A key without a
// value is a yes.
func parseConfig(out []byte) config {
	c := config{}
	for _, record := range fields(out) {
		key, value, found := strings.Cut(record, "\n")
		if !found {
			value = "true"
		}
		c[key] = append(c[key], value)
	}
	return c
}

// get is the value that counts, "" where there is none.
func (c config) get(key string) string {
	if v := c[key]; len(v) > 0 {
		return v[len(v)-1]
	}
	return ""
}

// isFalse tells whether the key is set to one of git's words for no.
func (c config) isFalse(key string) bool {
	switch v, set := c[key]; {
	case !set:
		return false
	default:
		switch strings.ToLower(v[len(v)-1]) {
		case "false", "no", "off", "0", "":
			return true
		}
	}
	return false
}

// statRules are the rules for comparing files with the index.
func (c config) statRules() statRules {
	return statRules{
		noExecutable: c.isFalse("core.filemode"),
		noCTime:      c.isFalse("core.trustctime"),
		minimal:      strings.EqualFold(c.get("core.checkstat"), "minimal"),
	}
}

// names lists the middle parts of keys like remote.NAME.url.
func (c config) names(section, last string) []string {
	var names []string
	for key := range c {
		if strings.HasPrefix(key, section+".") && strings.HasSuffix(key, "."+last) && len(key) > len(section)+len(last)+2 {
			names = append(names, key[len(section)+1:len(key)-len(last)-1])
		}
	}
	return names
}
