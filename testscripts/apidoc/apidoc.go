// Package apidoc writes the OpenAPI document of the daemon as a page that
// people read: docs/api.md. A test holds both together.
package apidoc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// A document is what the page says of an OpenAPI document.
type document struct {
	Info       struct{ Description string }
	Tags       []struct{ Name string }
	Paths      map[string]map[string]operation
	Components struct {
		Schemas   map[string]schema
		Responses map[string]struct{ Description string }
	}
}

type operation struct {
	OperationID, Summary, Description string
	Tags                              []string
	Security                          []map[string]any
	Parameters                        []parameter
	RequestBody                       struct{ Content map[string]media }
	Responses                         map[string]response
}

type parameter struct {
	Name, In, Description string
	Schema                schema
}

type media struct{ Schema schema }

type response struct {
	Ref         string `json:"$ref"`
	Description string
	Content     map[string]media
}

type schema struct {
	Ref         string `json:"$ref"`
	Type        string
	Format      string
	Description string
	Enum        []string
	Items       *schema
	Properties  map[string]schema
	Additional  json.RawMessage `json:"additionalProperties"` // a schema, or false
	Required    []string
	Default     any
	Minimum     *int64
	Maximum     *int64
}

// Page returns the page of an OpenAPI document.
func Page(text []byte) ([]byte, error) {
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "# The API of popsicle daemon\n\nThis page is made from `server/openapi.json`, which a daemon serves at `/api/v1/openapi.json`\nand every answer is tested against. [guide/api.md](guide/api.md) is a tour of it.\n\n%s\n", d.Info.Description)
	for _, tag := range d.Tags {
		fmt.Fprintf(&out, "\n## %s\n", strings.ToUpper(tag.Name[:1])+tag.Name[1:])
		for _, path := range paths(d.Paths, tag.Name) {
			for _, method := range sorted(d.Paths[path]) {
				d.operation(&out, method, path, d.Paths[path][method])
			}
		}
	}
	fmt.Fprint(&out, "\n## Shapes\n")
	for _, name := range sorted(d.Components.Schemas) {
		if s := d.Components.Schemas[name]; !strings.HasSuffix(name, "List") || s.Properties["counts"].Type != "" {
			shape(&out, name, s)
		}
	}
	return out.Bytes(), nil
}

// paths returns those with something of a tag, in order.
func paths(all map[string]map[string]operation, tag string) (found []string) {
	for path, methods := range all {
		for _, op := range methods {
			if slices.Contains(op.Tags, tag) && !slices.Contains(found, path) {
				found = append(found, path)
			}
		}
	}
	slices.Sort(found)
	return found
}

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// tokens say in words what Security does, by how many ways there are.
var tokens = []string{"Needs no token.", "Needs a token with the scope `write`.", "Needs a token, from elsewhere than the daemon's machine."}

func (d *document) operation(out *bytes.Buffer, method, path string, op operation) {
	fmt.Fprintf(out, "\n### `%s %s`\n\n%s.", strings.ToUpper(method), path, op.Summary)
	if op.Description != "" {
		fmt.Fprintf(out, " %s", op.Description)
	}
	fmt.Fprintf(out, " %s\n", tokens[len(op.Security)])
	if len(op.Parameters) > 0 {
		fmt.Fprint(out, "\n| | in | |\n|---|---|---|\n")
		for _, p := range op.Parameters {
			fmt.Fprintf(out, "| `%s` | %s | %s%s |\n", p.Name, p.In, p.Description, bounds(p.Schema))
		}
	}
	for _, body := range op.RequestBody.Content {
		fmt.Fprintf(out, "\nIt takes %s, as JSON.\n", kind(body.Schema))
	}
	fmt.Fprint(out, "\nIt answers:\n\n")
	for _, status := range sorted(op.Responses) {
		r := op.Responses[status]
		if name, ok := strings.CutPrefix(r.Ref, "#/components/responses/"); ok {
			r.Description = d.Components.Responses[name].Description
		}
		fmt.Fprintf(out, "- %s: %s%s\n", status, r.Description, contents(r.Content))
	}
}

// contents says what an answer is.
func contents(all map[string]media) string {
	var kinds []string
	for _, name := range sorted(all) {
		if k := kind(all[name].Schema); name == "application/json" && k != "" {
			kinds = append(kinds, k)
		} else {
			kinds = append(kinds, "`"+name+"`")
		}
	}
	if len(kinds) == 0 {
		return ""
	}
	return " " + strings.Join(kinds, ", ") + "."
}

// bounds says which values there are.
func bounds(s schema) string {
	var said []string
	if len(s.Enum) > 0 {
		said = append(said, strings.Join(s.Enum, ", "))
	}
	if s.Ref != "" {
		said = append(said, "a "+kind(s))
	}
	if s.Maximum != nil && s.Minimum != nil {
		said = append(said, fmt.Sprintf("from %d to %d", *s.Minimum, *s.Maximum))
	}
	if s.Default != nil {
		said = append(said, fmt.Sprintf("%v if it is not said", s.Default))
	}
	if len(said) == 0 {
		return ""
	}
	return ": " + strings.Join(said, "; ")
}

// kind names the type of a value.
func kind(s schema) string {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		anchor := name
		if item, ok := strings.CutSuffix(name, "List"); ok && name != "TestList" {
			return fmt.Sprintf("`items` of [%s](#%s) and, where there is more, `next`", item, strings.ToLower(item))
		}
		return fmt.Sprintf("[%s](#%s)", name, strings.ToLower(anchor))
	}
	var values schema
	switch {
	case s.Type == "array" && s.Items != nil:
		return "list of " + kind(*s.Items)
	case s.Type == "object" && json.Unmarshal(s.Additional, &values) == nil:
		return "map to " + kind(values)
	case s.Format == "date-time":
		return "time"
	}
	return s.Type
}

// shape writes one schema.
func shape(out *bytes.Buffer, name string, s schema) {
	fmt.Fprintf(out, "\n### %s\n\n%s\n", name, s.Description)
	if len(s.Enum) > 0 {
		fmt.Fprintf(out, "\nOne of %s.\n", "`"+strings.Join(s.Enum, "`, `")+"`")
	}
	if len(s.Properties) == 0 {
		return
	}
	fmt.Fprint(out, "\n| field | type | |\n|---|---|---|\n")
	for _, field := range sorted(s.Properties) {
		f, always := s.Properties[field], ""
		if !slices.Contains(s.Required, field) {
			always = " (may be left out)"
		}
		said := f.Description
		if len(f.Enum) > 0 {
			said += ": " + strings.Join(f.Enum, ", ")
		}
		fmt.Fprintf(out, "| `%s` | %s | %s%s |\n", field, kind(f), said, always)
	}
}
