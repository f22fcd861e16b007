package schema_test

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/config/schema"
	"github.com/popsicle-ci/popsicle/runner/config/tree"
)

func TestEveryKeyIsDescribed(t *testing.T) {
	seen := map[*schema.Type]bool{}
	var walk func(path string, t *schema.Type)
	walk = func(path string, typ *schema.Type) {
		if typ == nil || seen[typ] {
			return
		}
		seen[typ] = true
		if typ.Name == "" {
			t.Errorf("%s has a type without a name", path)
		}
		walk(path+"[]", typ.Items)
		walk(path+".*", typ.Open)
		for _, k := range typ.Keys {
			if k.Doc == "" || k.Type == nil {
				t.Errorf("%s.%s has no description or no type", path, k.Name)
			}
			walk(path+"."+k.Name, k.Type)
		}
	}
	walk("config", schema.Get().Config)
	walk("invocation", schema.Get().Invocation)
	if len(seen) < 50 {
		t.Errorf("only %d types were reached", len(seen))
	}
}

func TestJSONSchemaRefersOnlyToWhatItDefines(t *testing.T) {
	var root map[string]any
	if err := json.Unmarshal(schema.JSON(), &root); err != nil {
		t.Fatal(err)
	}
	definitions := root["definitions"].(map[string]any)
	refs := 0
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				refs++
				if definitions[ref[len("#/definitions/"):]] == nil {
					t.Errorf("%s is not defined", ref)
				}
			}
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(root)
	if refs == 0 || root["properties"].(map[string]any)["jobs"] == nil {
		t.Errorf("refs %d, properties %v", refs, root["properties"])
	}
}

var update = flag.Bool("update", false, "write docs/compatibility.md")

// TestCompatibilityTable holds docs/compatibility.md to the table of keys. What
// stands above its first section is written by hand.
func TestCompatibilityTable(t *testing.T) {
	const file = "../../../docs/compatibility.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(string(text), "\n## ")
	want := strings.TrimRight(head, "\n") + "\n" + schema.Table()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(text) != want {
		t.Errorf("%s is not what the table of keys says: run go test ./runner/config/schema -update", file)
	}
}

func TestNearest(t *testing.T) {
	names := []string{"docker", "machine", "steps", "working_directory", "environment", "requires"}
	for found, want := range map[string]string{
		"dokcer": "docker", "step": "steps", "workingDirectory": "working_directory", "working-directory": "working_directory",
		"env": "", "require": "requires", "enviroment": "environment", "x": "", "resource_class": "",
	} {
		if got := schema.Nearest(found, names); got != want {
			t.Errorf("nearest to %q is %q, want %q", found, got, want)
		}
	}
}

func TestCheckSaysWhatIsRight(t *testing.T) {
	for text, want := range map[string]string{
		"a: 1":                          `f.yml:1:1: x has no key "a"; it knows image, name, entrypoint, command, user, environment, auth, aws_auth, gcp_auth`,
		"[1]":                           `f.yml:1:1: x is a list; it must be a map with the key image`,
		"image: [a]":                    `f.yml:1:8: x.image is a list; it must be a string`,
		"{}":                            `f.yml:1:1: x lacks the key image; add image: the image. The first of the list is the one the steps run in`,
		"auth: {username: u}\nimage: i": `f.yml:1:7: x.auth lacks the key password; add password: how to log in`,
	} {
		n, _ := tree.Read("f.yml", []byte(text))
		var got []string
		c := schema.Checker{Report: func(e *tree.Error) { got = append(got, e.Error()) }}
		c.Check(n, schema.Get().Image, "x")
		if len(got) == 0 || got[0] != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}
