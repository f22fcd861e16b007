package commands

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// vendorIn runs `popsicle orb vendor` on a config with orbs that a registry
// has, each a version and a source by its reference. It returns the exit code
// and the files that were written.
func vendorIn(t *testing.T, orbs map[string][2]string, imports string, flags ...string) (code int, files []string, asked []string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Variables struct{ OrbVersionRef string }
		}
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			t.Error(err)
		}
		asked = append(asked, q.Variables.OrbVersionRef)
		orb, have := orbs[q.Variables.OrbVersionRef]
		if !have {
			fmt.Fprint(w, `{"data":{"orbVersion":null}}`)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"orbVersion": map[string]string{"version": orb[0], "source": orb[1]}}})
	}))
	defer s.Close()
	top := t.TempDir()
	dir := filepath.Join(top, "checkout")
	if err := os.MkdirAll(filepath.Join(dir, ".popsicle"), 0o755); err != nil {
		t.Fatal(err)
	}
	text := "version: 2.1\norbs:\n" + imports + "jobs: {b: {docker: [{image: \"a:1\"}], steps: [checkout]}}\nworkflows: {w: {jobs: [b]}}\n"
	if err := os.WriteFile(filepath.Join(dir, ".popsicle/ci.yml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	code = Main(append([]string{"popsicle", "orb", "vendor", "-C", dir, "--registry", s.URL}, flags...))
	err := filepath.WalkDir(top, func(name string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasSuffix(name, "ci.yml") {
			files = append(files, filepath.ToSlash(strings.TrimPrefix(name, filepath.Join(dir, vendored)+string(filepath.Separator))))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return code, files, asked
}

func TestVendoredFiles(t *testing.T) {
	empty := "commands: {}\n"
	for name, c := range map[string]struct {
		orbs    map[string][2]string
		imports string
		code    int
		files   string
	}{
		"versions that fit one":   {map[string][2]string{"a/b@1": {"1.2.3", empty}, "a/b@1.2": {"1.2.3", empty}}, "  x: a/b@1\n  y: a/b@1.2\n", 0, "a/b@1.2.3.yml orbs.lock"},
		"a development version":   {map[string][2]string{"a/b@dev:first": {"dev:first", empty}}, "  x: a/b@dev:first\n", 0, "a/b@dev-first.yml orbs.lock"},
		"an exact one, unsaid":    {map[string][2]string{"a/b@1.0.0": {"", empty}}, "  x: a/b@1.0.0\n", 0, "a/b@1.0.0.yml orbs.lock"},
		"a version that is none":  {map[string][2]string{"a/b@1": {"../../../evil", empty}}, "  x: a/b@1\n", 2, ""},
		"a name that leads away":  {map[string][2]string{"a/..@1": {"1.0.0", empty}}, "  x: a/..@1\n", 2, ""},
		"a source that is none":   {map[string][2]string{"a/b@1": {"1.0.0", "a: [\n"}}, "  x: a/b@1\n", 2, ""},
		"what could be had stays": {map[string][2]string{"a/b@1": {"1.0.0", empty}}, "  x: a/b@1\n  y: a/gone@1\n", 2, "a/b@1.0.0.yml orbs.lock"},
		"an orb in an inline orb": {map[string][2]string{"a/b@1": {"1.0.0", empty}}, "  x: {orbs: {y: a/b@1}}\n", 0, "a/b@1.0.0.yml orbs.lock"},
		"a config that is none":   {nil, "  x: a/b@1\ncommands: 7\n", 2, ""},
		"no orb":                  {nil, "  x: {commands: {}}\n", 0, ""},
		"orbs in a circle":        {map[string][2]string{"a/b@1": {"1.0.0", "orbs: {c: a/c@1}\n"}, "a/c@1": {"1.0.0", "orbs: {b: a/b@1}\n"}}, "  x: a/b@1\n", 0, "a/b@1.0.0.yml a/c@1.0.0.yml orbs.lock"},
	} {
		t.Run(name, func(t *testing.T) {
			code, files, _ := vendorIn(t, c.orbs, c.imports)
			slices.Sort(files)
			if code != c.code || strings.Join(files, " ") != c.files {
				t.Errorf("exit code %d, files %v", code, files)
			}
		})
	}
}

func TestARegistryThatIsDownIsAskedOnce(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	code, files, asked := vendorIn(t, nil, "  x: a/b@1\n  y: a/c@1\n", "--registry", s.URL)
	if code != exitBroken || len(files) > 0 || len(asked) > 0 {
		t.Errorf("exit code %d, files %v, asked %v", code, files, asked)
	}
}
