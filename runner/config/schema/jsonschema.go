package schema

import (
	"encoding/json"
	"strings"
)

// JSON gives the language as a JSON Schema (draft 7) for editors.
func JSON() []byte {
	l := Get()
	w := &exporter{names: map[*Type]string{
		l.Job: "job", l.Command: "command", l.Executor: "executor", l.Image: "image", l.Step: "step", l.Steps: "steps",
		l.Workflow: "workflow", l.Invocation: "invocation", l.Group: "jobGroup", l.Parameter: "parameter", l.Pipeline: "pipelineParameter",
		l.Logic: "logic",
	}}
	definitions := object{}
	for t, name := range w.names {
		definitions[name] = w.whole(t)
	}
	root := w.mapping(l.Config)
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["title"] = "popsicle config"
	root["definitions"] = definitions
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic(err) // strings, lists and maps alone: it cannot
	}
	return append(text, '\n')
}

type object = map[string]any

// An exporter writes types; those with names are written once and referred to.
type exporter struct{ names map[*Type]string }

// schema is a type, or a reference to it.
func (w *exporter) schema(t *Type) object {
	if name := w.names[t]; name != "" {
		return object{"$ref": "#/definitions/" + name}
	}
	return w.whole(t)
}

// whole is a type with all its alternatives.
func (w *exporter) whole(t *Type) object {
	if t.Items == t {
		return object{} // anything
	}
	var alternatives []object
	if t.Scalars != 0 {
		alternatives = append(alternatives, w.scalar(t))
	}
	if t.Items != nil {
		alternatives = append(alternatives, w.list(t))
	}
	if t.IsMap() {
		alternatives = append(alternatives, w.mapping(t))
	}
	if t.Scalars&Text == 0 || t.Enum != nil || t.Pattern != "" {
		alternatives = append(alternatives, object{"type": "string", "pattern": "<<"}) // a template can become anything
	}
	out := object{"anyOf": alternatives}
	if len(alternatives) == 1 {
		out = alternatives[0]
	}
	if t.Doc != "" {
		out["description"] = t.Doc
	}
	return out
}

func (w *exporter) scalar(t *Type) object {
	var types []string
	for _, k := range []struct {
		bit  Kinds
		name string
	}{{Text, "string"}, {Int, "integer"}, {Float, "number"}, {Bool, "boolean"}, {Null, "null"}} {
		if t.Scalars&k.bit != 0 {
			types = append(types, k.name)
		}
	}
	out := object{"type": types}
	if len(types) == 1 {
		out["type"] = types[0]
	}
	if t.Enum != nil {
		values := make([]any, 0, len(t.Enum))
		for _, v := range t.Enum {
			values = append(values, v)
			if number := json.Number(v); t.Scalars&Float != 0 && !strings.HasSuffix(v, ".0") { // 2.0 is 2 in JSON
				values = append(values, number)
			}
		}
		out["enum"] = values
	}
	if t.Pattern != "" {
		out["pattern"] = t.Pattern
	}
	if t.Min > 0 {
		out["minimum"] = t.Min
	}
	return out
}

func (w *exporter) list(t *Type) object {
	out := object{"type": "array", "items": w.schema(t.Items)}
	if t.NonZero {
		out["minItems"] = 1
	}
	return out
}

func (w *exporter) mapping(t *Type) object {
	out := object{"type": "object"}
	properties, required := object{}, []string{}
	for _, k := range t.Keys {
		properties[k.Name] = w.key(k)
		if k.Required {
			required = append(required, k.Name)
		}
	}
	if len(properties) > 0 {
		out["properties"] = properties
	}
	if len(required) > 0 {
		out["required"] = required
	}
	out["additionalProperties"] = false
	if t.Open != nil {
		out["additionalProperties"] = w.schema(t.Open)
		out["propertyNames"] = object{"type": "string"}
	}
	if t.OneKey {
		out["minProperties"], out["maxProperties"] = 1, 1
	}
	return out
}

// key is a property with what people read when they hover over it.
func (w *exporter) key(k Key) object {
	doc := []string{k.Doc}
	if k.Ignored != "" {
		doc = append(doc, "Popsicle ignores it: "+k.Ignored+".")
	}
	if k.Deprecated != "" {
		doc = append(doc, "Deprecated: write "+k.Deprecated+".")
	}
	out := w.schema(k.Type)
	if ref := out["$ref"]; ref != nil {
		out = object{"allOf": []object{{"$ref": ref}}} // a draft-7 $ref hides what stands beside it
	}
	out["description"] = strings.TrimSpace(strings.Join(doc, " "))
	if k.Deprecated != "" {
		out["deprecated"] = true
	}
	return out
}
