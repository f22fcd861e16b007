package commands

import (
	"reflect"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/config"
)

func TestParametersOfAContinuation(t *testing.T) {
	const path = ".circleci/config.yml"
	setup := source{Path: path, Text: []byte("version: 2.1\nsetup: true\nparameters: {a: {type: string, default: x}, own: {type: string, default: x}}\n")}
	next, err := config.Parse("next.yml", []byte("version: 2.1\nparameters: {a: {type: string, default: y}, b: {type: string, default: y}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ given, passed, want map[string]string }{
		"what the second config declares is handed on": {map[string]string{"a": "1", "own": "2"}, map[string]string{"b": "3"}, map[string]string{"a": "1", "b": "3"}},
		"the default says nothing":                     {map[string]string{"a": "x"}, map[string]string{"a": "3"}, map[string]string{"a": "3"}},
		"both say something":                           {map[string]string{"a": "1"}, map[string]string{"a": "3"}, nil},
	} {
		c := &continuation{launch: &launch{order: order{params: test.given}, sources: []source{setup}}}
		got, err := c.parameters(path, next, test.passed)
		if !reflect.DeepEqual(got, test.want) || (err != nil) != (test.want == nil) || err != nil && !strings.Contains(err.Error(), "conflicting pipeline parameters: a:") {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}
