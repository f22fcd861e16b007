package schema

import (
	"strings"
	"time"
)

// The scalars that many keys share. They are made per build, so that nothing
// of this costs time before a config is read.
func word(name string) *Type { return &Type{Name: name, Scalars: Word} }

func text() *Type { return word("a string") }

func nullable(t *Type) *Type { t.Scalars |= Null; return t }

// boolean is a boolean, or a string parameter that holds one.
func boolean() *Type {
	return &Type{Name: "true or false", Scalars: Bool | Text, Check: func(s string) string {
		switch strings.ToLower(s) {
		case "true", "false", "yes", "no", "on", "off":
			return ""
		}
		return "it must be true or false"
	}}
}

// count is a whole number from 1, or a string parameter that holds one.
func count(name string) *Type {
	return &Type{Name: name, Scalars: Int | Text, Min: 1, Check: func(s string) string {
		if digits(strings.ReplaceAll(s, "_", "")) && strings.Trim(s, "0_") != "" {
			return ""
		}
		return "it must be " + name
	}}
}

func enum(values ...string) *Type {
	return &Type{Name: "one of " + strings.Join(values, ", "), Scalars: Text, Enum: values}
}

func listOf(t *Type, name string) *Type { return &Type{Name: name, Items: t} }

// wordOrList is one string or a list of strings.
func wordOrList(name string) *Type {
	return &Type{Name: name, Scalars: Word, Items: text()}
}

func mapOf(t *Type, name string) *Type { return &Type{Name: name, Open: t} }

// anything is what the schema leaves open: it is checked where its meaning is known.
func anything() *Type {
	t := &Type{Name: "anything", Scalars: Word | Null}
	t.Items, t.Open = t, t
	return t
}

// duration is a number with a unit: 30s, 10m, 1.5h.
func duration() *Type {
	return &Type{Name: "a duration like 30s, 10m or 1.5h", Scalars: Text | Int, Pattern: `^([0-9]+(\.[0-9]+)?[smh]?)+$`,
		Check: func(s string) string {
			if d, err := time.ParseDuration(s); err == nil && d > 0 || digits(s) {
				return ""
			}
			return "it must be a number and a unit: 30s, 10m or 1.5h"
		}}
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// environment has three shapes: a map, a list of maps, a list of KEY=VALUE.
func environment() *Type {
	value := &Type{Name: "a string, number, boolean or nothing", Scalars: Word | Null}
	return &Type{
		Name: "a map of names to values, or a list of maps or KEY=VALUE strings", Scalars: Null | Text,
		Doc:  "Environment variables. Values are taken as they are: nothing in them is expanded.",
		Open: value, Items: &Type{Name: "a map or a KEY=VALUE string", Scalars: Text, Open: value},
	}
}
