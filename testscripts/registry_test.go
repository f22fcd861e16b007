package testscripts

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// registry serves the orbs of a folder as CircleCI's registry does, and its
// folder url/ as plain files, until the script ends:
//
//	registry FOLDER
//
// The folder has a file namespace/name@1.2.3.yml for each version. $REGISTRY
// is the address, which popsicle is told to ask; $REGISTRY_LOG is a file with
// a line for each request.
func registry(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: registry FOLDER")
	}
	f := &fakeRegistry{dir: ts.MkAbs(args[0]), log: ts.MkAbs("registry.log")}
	s := httptest.NewServer(f)
	ts.Defer(s.Close)
	ts.Check(os.WriteFile(f.log, nil, 0o644))
	ts.Setenv("REGISTRY", s.URL)
	ts.Setenv("REGISTRY_LOG", f.log)
	ts.Setenv("POPSICLE_ORB_REGISTRY", s.URL)
}

type fakeRegistry struct{ dir, log string }

func (f *fakeRegistry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		f.note("GET " + r.URL.Path)
		http.ServeFile(w, r, filepath.Join(f.dir, "url", filepath.Base(r.URL.Path)))
		return
	}
	var asked struct {
		Query     string
		Variables struct{ OrbVersionRef string }
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || r.URL.Path != "/graphql-unstable" {
		http.Error(w, fmt.Sprint(r.URL, err), http.StatusBadRequest)
		return
	}
	f.note("orb " + asked.Variables.OrbVersionRef)
	answer := map[string]any{"data": map[string]any{"orbVersion": f.version(asked.Variables.OrbVersionRef)}}
	_ = json.NewEncoder(w).Encode(answer)
}

func (f *fakeRegistry) note(line string) {
	log, err := os.OpenFile(f.log, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		panic(err)
	}
	defer log.Close()
	fmt.Fprintln(log, line)
}

// version is the newest version that a reference allows, as JSON; nil: none.
func (f *fakeRegistry) version(ref string) any {
	name, want, _ := strings.Cut(ref, "@")
	files, _ := filepath.Glob(filepath.Join(f.dir, filepath.FromSlash(name)+"@*.yml"))
	sort.Sort(sort.Reverse(sort.StringSlice(files)))
	for _, file := range files {
		_, have, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".yml"), "@")
		if want == "volatile" || have == want || strings.HasPrefix(have, want+".") {
			source, err := os.ReadFile(file)
			if err != nil {
				return nil
			}
			return map[string]string{"version": have, "source": string(source)}
		}
	}
	return nil
}
