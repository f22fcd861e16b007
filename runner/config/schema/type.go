// Package schema is the table of the config language: every key with its type,
// its meaning and what popsicle does with it. The parser checks configs by it,
// the suggestions for misspelt keys and the JSON schema for editors are made
// from it, so that the three cannot disagree.
package schema

import "sync"

// Kinds is a set of scalar kinds that a value may have.
type Kinds uint8

// The scalar kinds.
const (
	Null Kinds = 1 << iota
	Bool
	Int
	Float
	Text                             // a string
	Word = Text | Int | Float | Bool // anything written as one word
)

// A Type says what a value may be: one of some scalars, a list, a map, or
// several of these. What it may be is told apart by the kind of the value alone,
// so that an error can say exactly which alternative is meant.
type Type struct {
	Name    string // what messages call it: "a list of steps"
	Doc     string // for people, in the JSON schema
	Scalars Kinds
	Enum    []string            // the texts allowed; nil: all
	Check   func(string) string // says what would be right, "" when the text is
	Pattern string              // of the text, for the JSON schema
	Min     int                 // of a whole number
	Items   *Type               // of a list; nil: no list
	NonZero bool                // the list must hold something
	Keys    []Key               // of a map
	Open    *Type               // of a map's other keys; nil: others are mistakes
	OneKey  bool                // the map holds exactly one key
	First   bool                // only the first key counts: what stands beside it is indented wrongly
	Lax     bool                // CircleCI ignores other keys: they are worth a warning, no error
}

// A Key is one entry of a map.
type Key struct {
	Name       string
	Doc        string
	Type       *Type
	Required   bool
	Ignored    string // why popsicle does not carry it out; empty: it does
	Limits     string // what of it popsicle does not carry out, or does otherwise
	Deprecated string // what to write instead
}

// IsMap tells whether a map is allowed at all.
func (t *Type) IsMap() bool { return t.Keys != nil || t.Open != nil }

// Key finds a key's definition, or nil.
func (t *Type) Key(name string) *Key {
	for i := range t.Keys {
		if t.Keys[i].Name == name {
			return &t.Keys[i]
		}
	}
	return nil
}

// Names lists the keys.
func (t *Type) Names() []string {
	names := make([]string, len(t.Keys))
	for i, k := range t.Keys {
		names[i] = k.Name
	}
	return names
}

// Get gives the language's definitions, made on first use.
var Get = sync.OnceValue(build)

// A Language holds the types that packages above ask for by name.
type Language struct {
	Config     *Type // a whole file
	Job        *Type
	Command    *Type
	Executor   *Type
	Orb        *Type
	Image      *Type
	Step       *Type
	Steps      *Type
	Workflow   *Type
	Invocation *Type // the keys of a job in a workflow, next to its parameters
	Group      *Type // of job-groups
	Parameter  *Type // of a command, job or executor
	Pipeline   *Type // a pipeline parameter
	Logic      *Type
}
