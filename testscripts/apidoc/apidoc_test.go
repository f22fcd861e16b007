package apidoc

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/popsicle-ci/popsicle/server"
)

var update = flag.Bool("update", false, "write docs/api.md")

// TestPage holds docs/api.md to the document that the server serves:
// go test ./testscripts/apidoc -update writes it anew.
func TestPage(t *testing.T) {
	const file = "../../docs/api.md"
	want, err := Page(server.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("docs/api.md is not what server/openapi.json says (%v): go test ./testscripts/apidoc -update", err)
	}
}
