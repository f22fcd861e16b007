package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// A contract is the OpenAPI document, and what answers were held against it.
type contract struct {
	paths map[string]map[string]operation
	whole any
	seen  map[string]bool // "get /path 200"
}

type operation struct {
	Parameters []struct{ Name, In string }
	Security   []map[string]any
	Responses  map[string]struct {
		Ref     string `json:"$ref"`
		Content map[string]struct{ Schema any }
	}
}

func openContract(t testing.TB) *contract {
	t.Helper()
	c := &contract{seen: map[string]bool{}}
	var d struct {
		Paths map[string]map[string]operation
	}
	if err := json.Unmarshal(OpenAPI(), &d); err != nil {
		t.Fatal(err)
	}
	c.paths = d.Paths
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(OpenAPI()))
	if err != nil {
		t.Fatal(err)
	}
	closeObjects(whole)
	c.whole = whole
	return c
}

// closeObjects makes schemas refuse fields that they do not name: clients
// must bear them, but the document must not forget one.
func closeObjects(v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, ok := v["properties"].(map[string]any); ok && v["type"] == "object" {
			v["additionalProperties"] = false
		}
		for _, inner := range v {
			closeObjects(inner)
		}
	case []any:
		for _, inner := range v {
			closeObjects(inner)
		}
	}
}

var parameter = regexp.MustCompile(`[:*](\w+)`)

// documented is the path of a route as the document writes it.
func documented(path string) string { return parameter.ReplaceAllString(path, "{$1}") }

// TestEveryRouteIsDocumented holds routes and document together, both ways.
func TestEveryRouteIsDocumented(t *testing.T) {
	c := openContract(t)
	there := map[string]bool{}
	for _, r := range (&Server{}).api() {
		method, path := strings.ToLower(r.method), documented(r.path)
		there[method+" "+path] = true
		op, ok := c.paths[path][method]
		if !ok {
			t.Errorf("openapi.json does not have %s %s", method, path)
			continue
		}
		var query []string
		for _, p := range op.Parameters {
			if p.In == "query" {
				query = append(query, p.Name)
			}
		}
		if !slices.Equal(sorted(query), sorted(r.query)) {
			t.Errorf("%s %s takes the query %q, the document says %q", method, path, r.query, query)
		}
		need := map[int]scope{0: scopeNone, 1: scopeWrite, 2: scopeRead}[len(op.Security)]
		if need != r.need {
			t.Errorf("%s %s needs the scope %d, the document says %d", method, path, r.need, need)
		}
	}
	for path, methods := range c.paths {
		for method := range methods {
			if !there[method+" "+path] {
				t.Errorf("openapi.json has %s %s, which is no route", method, path)
			}
		}
	}
}

func sorted(words []string) []string {
	words = slices.Clone(words)
	slices.Sort(words)
	return words
}

// check holds an answer against the document.
func (c *contract) check(t testing.TB, method, path string, a answer) {
	t.Helper()
	status := fmt.Sprint(a.StatusCode)
	where := fmt.Sprintf("%s %s: %s", method, path, status)
	method = strings.ToLower(method)
	if method == "head" {
		return
	}
	said, ok := c.paths[path][method].Responses[status]
	if !ok {
		t.Errorf("%s is not in the document: %s", where, a.text)
		return
	}
	c.seen[method+" "+path+" "+status] = true
	pointer := "#/paths/" + escape(path) + "/" + method + "/responses/" + status
	content := said.Content
	if name, ok := strings.CutPrefix(said.Ref, "#/components/responses/"); ok {
		pointer = "#/components/responses/" + name
		content = map[string]struct{ Schema any }{"application/problem+json": {Schema: true}}
	}
	kind, _, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if len(content) == 0 {
		return
	}
	media, ok := content[kind]
	if err != nil || !ok {
		t.Errorf("%s is %q", where, a.Header.Get("Content-Type"))
		return
	}
	if media.Schema == nil {
		return
	}
	if err := c.valid(pointer+"/content/"+escape(kind)+"/schema", a.text); err != nil {
		t.Errorf("%s: %v\n%s", where, err, a.text)
	}
}

func escape(part string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D", "+", "%2B").Replace(part)
}

// valid holds text against the schema at a place in the document.
func (c *contract) valid(pointer, text string) error {
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	if err := compiler.AddResource("http://popsicle/openapi.json", c.whole); err != nil {
		return err
	}
	schema, err := compiler.Compile("http://popsicle/openapi.json" + pointer)
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

// TestContract sends every route what it takes and what it does not, and
// holds every answer against the document.
func TestContract(t *testing.T) {
	c := openContract(t)
	g := newRig(t, openRead, func(s *Server) {
		s.Launch = func(context.Context, Order) (int64, error) { return 7, nil }
		s.Rerun = func(context.Context, Rerun) (int64, error) { return 8, nil }
		s.Approve = func(context.Context, int64, string) error { return nil }
	})
	g.past("one\ntwo\n\xff\n")
	running := g.begin()
	defer running.Close(t.Context())
	g.order("one", nil)
	held := fmt.Sprint(running.hold())
	auth := "Authorization: Bearer " + g.write
	isJSON := "Content-Type: application/json"
	fill := strings.NewReplacer("{job}/approve", held+"/approve", "{pipeline}", "1", "{job}", "1", "{path}", "report.txt")
	for path, methods := range c.paths {
		for method, op := range methods {
			method = strings.ToUpper(method)
			ask := func(wanted int, path, template, body string, header ...string) {
				t.Helper()
				a := g.ask(method, path, body, header...)
				c.check(t, method, template, a)
				if a.StatusCode != wanted {
					t.Errorf("%s %s: %v; want %d", method, path, a, wanted)
				}
				if a.Header.Get("X-Request-Id") == "" {
					t.Errorf("%s %s has no id", method, path)
				}
			}
			real := fill.Replace(path)
			ask(http.StatusBadRequest, real+"?no-such=1", path, "{}", auth, isJSON)
			if strings.Contains(path, "{") {
				for _, none := range []string{"99", "0", "-1", "x", "%2e%2e", "99999999999999999999", "1%00"} {
					ask(http.StatusNotFound, strings.NewReplacer("{pipeline}", none, "{job}", none, "{path}", none).Replace(path), path, "{}", auth, isJSON)
				}
			}
			if len(op.Security) > 0 {
				ask(http.StatusUnauthorized, real, path, "{}", isJSON, "Authorization: Bearer nonsense")
				ask(http.StatusUnauthorized, real, path, "{}", isJSON, "Authorization: Basic eDp5")
			}
			if method == "GET" {
				ask(http.StatusOK, real, path, "", auth)
				if strings.HasSuffix(path, "/log") {
					ask(http.StatusOK, real+"?follow=true", path, "", auth)
				}
				if strings.HasSuffix(path, "/log") || strings.HasSuffix(path, "/{path}") {
					ask(http.StatusPartialContent, real, path, "", auth, "Range: bytes=1-3")
					ask(http.StatusRequestedRangeNotSatisfiable, real, path, "", auth, "Range: bytes=900-")
				}
				continue
			}
			body := "{}"
			if needed := map[string]string{
				"/api/v1/pipelines": `{"repo": "owner/name", "ref": "main"}`, "/api/v1/jobs/{job}/approve": `{"approve": true}`,
			}[path]; needed != "" {
				ask(http.StatusBadRequest, real, path, body, auth, isJSON)
				body = needed
			}
			ask(http.StatusUnsupportedMediaType, real, path, body, auth)
			ask(http.StatusUnsupportedMediaType, real, path, body, auth, "Content-Type: text/plain")
			ask(http.StatusBadRequest, real, path, `{"no_such": 1}`, auth, isJSON)
			ask(http.StatusBadRequest, real, path, body+" {}", auth, isJSON)
			ask(http.StatusRequestEntityTooLarge, real, path, strings.Repeat(" ", bodySize+1), auth, isJSON)
			ask(http.StatusUnauthorized, real, path, body, isJSON)
			ask(http.StatusForbidden, real, path, body, isJSON, "Authorization: Bearer "+g.read)
			switch {
			case strings.HasSuffix(path, "/cancel"):
				ask(http.StatusConflict, real, path, body, auth, isJSON)
				ask(http.StatusAccepted, strings.Replace(real, "/1/", "/2/", 1), path, body, auth, isJSON)
			case strings.HasSuffix(path, "/approve"):
				ask(http.StatusAccepted, real, path, body, auth, isJSON)
			default:
				ask(http.StatusCreated, real, path, body, auth, isJSON)
			}
		}
	}
	for path, methods := range c.paths {
		for method, op := range methods {
			for status := range op.Responses {
				if status[0] == '2' && !c.seen[method+" "+path+" "+status] {
					t.Errorf("nothing was answered with %s %s: %s", method, path, status)
				}
			}
		}
	}
}
