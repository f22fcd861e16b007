package actions

import (
	"regexp"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

// uses makes what stands for an action.
func (b *builder) uses(s *tree.Node) []step {
	action, _, _ := strings.Cut(s.Get("uses").String(), "@")
	with := s.Get("with")
	if t, ok := tools[action]; ok {
		b.setUp(t, with)
		return nil
	}
	switch action {
	case "actions/checkout":
		if repo := with.Get("repository"); repo != nil {
			return []step{b.leave(s, "repository: "+repo.String())}
		}
		return []step{{node: b.at.Str("checkout")}}
	case "actions/cache":
		return b.cache(s, with)
	case "actions/upload-artifact":
		return b.artifacts(s, with)
	}
	return []step{b.leave(s, "an action")}
}

// A tool is what a setup action puts into the job: here it is the image.
type tool struct{ image, key, otherwise string }

// tools are the images of CircleCI that hold what a setup action installs.
var tools = map[string]tool{
	"actions/setup-go":                       {"cimg/go", "go-version", "1.26"},
	"actions/setup-node":                     {"cimg/node", "node-version", "lts"},
	"actions/setup-python":                   {"cimg/python", "python-version", "3.13"},
	"actions/setup-java":                     {"cimg/openjdk", "java-version", "21.0"},
	"ruby/setup-ruby":                        {"cimg/ruby", "ruby-version", "3.4"},
	"shivammathur/setup-php":                 {"cimg/php", "php-version", "8.4"},
	"dtolnay/rust-toolchain":                 {"cimg/rust", "", "1.90"},
	"actions-rs/toolchain":                   {"cimg/rust", "", "1.90"},
	"actions-rust-lang/setup-rust-toolchain": {"cimg/rust", "", "1.90"},
	"erlef/setup-beam":                       {"cimg/elixir", "elixir-version", "1.18"},
}

// number is a version as an image's tag can have it.
var number = regexp.MustCompile(`^v?(\d+(\.\d+){0,2})(\.x)?$`)

// setUp takes the first tool of a job as its image.
func (b *builder) setUp(t tool, with *tree.Node) {
	want := b.expand(with, with.Get(t.key).String())
	tag := t.otherwise
	if m := number.FindStringSubmatch(want); m != nil {
		tag = withMinor(m[1], t)
	} else if strings.HasPrefix(want, "<<") {
		tag = want
	}
	image := t.image + ":" + tag
	switch b.tool {
	case "", image:
		b.tool = image
	default:
		b.noteLeft(b.at, "%s is not in %s: an image that holds both is needed", image, b.tool)
	}
}

// withMinor makes a tag that exists: those of CircleCI have a minor number.
func withMinor(version string, t tool) string {
	if strings.Contains(version, ".") {
		return version
	}
	if strings.HasPrefix(t.otherwise, version+".") {
		return t.otherwise
	}
	return version + ".0"
}

// cache makes restore_cache here and save_cache at the end of the job.
func (b *builder) cache(s, with *tree.Node) []step {
	key, ok := cacheKey(with.Get("key").String())
	paths := lines(with.Get("path").String())
	if !ok || len(paths) == 0 {
		return []step{b.leave(s, "key: "+oneLine(with.Get("key").String()))}
	}
	keys := []*tree.Node{b.at.Str(key)}
	for _, line := range lines(with.Get("restore-keys").String()) {
		if k, ok := cacheKey(line); ok {
			keys = append(keys, b.at.Str(k))
		}
	}
	b.saves = append(b.saves, step{node: b.one("save_cache", b.mapping("key", key).With("paths", b.texts(paths)))})
	return []step{{node: b.one("restore_cache", b.at.MapOf(tree.Pair{Key: b.at.Str("keys"), Value: b.at.ListOf(keys)}))}}
}

var (
	hashFiles = regexp.MustCompile(`\$\{\{\s*hashFiles\(\s*['"](?:\*\*/)?([^'"*?]+)['"]\s*\)\s*\}\}`)
	runnerOS  = regexp.MustCompile(`\$\{\{\s*runner\.(os|arch)\s*\}\}`)
)

// cacheKey writes a key in templates of CircleCI, where all of it has one.
func cacheKey(key string) (string, bool) {
	key = hashFiles.ReplaceAllString(key, `{{ checksum "$1" }}`)
	key = runnerOS.ReplaceAllString(key, `{{ arch }}`)
	return key, key != "" && !strings.Contains(key, "${{")
}

// artifacts stores each path that holds no pattern.
func (b *builder) artifacts(s, with *tree.Node) []step {
	var all []step
	for _, p := range lines(with.Get("path").String()) {
		p = b.expand(s, p)
		if strings.ContainsAny(p, "*?!$[") || p == "" {
			return append(all, b.leave(s, "path: "+p))
		}
		all = append(all, step{node: b.one("store_artifacts", b.mapping("path", p))})
	}
	return all
}

// one is a step: a map with its kind as the one key.
func (b *builder) one(kind string, v *tree.Node) *tree.Node {
	return b.at.MapOf(tree.Pair{Key: b.at.Str(kind), Value: v})
}

// texts is a list of strings.
func (b *builder) texts(all []string) *tree.Node {
	var nodes []*tree.Node
	for _, text := range all {
		nodes = append(nodes, b.at.Str(text))
	}
	return b.at.ListOf(nodes)
}
