package runner

import (
	"reflect"
	"slices"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/docker"
	"github.com/popsicle-ci/popsicle/runner/event"
)

// A field that is added to Runner must reach the Runners of other engines.
func TestOnCopiesWhatTheRunIsMadeOf(t *testing.T) {
	r := &Runner{Out: event.NewStream(), Pull: PullNever}
	v := reflect.ValueOf(r).Elem()
	own := []string{"Docker", "Engine", "Name", "Arch", "Agent"} // an agent is on this machine
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() || slices.Contains(own, f.Name) {
			continue
		}
		if v.Field(i).IsZero() {
			v.Field(i).Set(filled(t, f.Type))
		}
	}
	other := reflect.ValueOf(r.On(docker.CLI{}, "tcp://big:2376", "big", "arm64")).Elem()
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.IsExported() && other.Field(i).IsZero() && !slices.Contains(own[:1], f.Name) && f.Name != "Agent" {
			t.Errorf("On leaves out Runner.%s", f.Name)
		}
	}
}

// filled is a value of a type that is not zero.
func filled(t *testing.T, typ reflect.Type) reflect.Value {
	t.Helper()
	switch typ.Kind() {
	case reflect.Pointer:
		return reflect.New(typ.Elem())
	case reflect.Map:
		return reflect.MakeMap(typ)
	case reflect.Slice:
		return reflect.MakeSlice(typ, 1, 1)
	case reflect.Func:
		return reflect.MakeFunc(typ, func([]reflect.Value) []reflect.Value { return nil })
	case reflect.Chan:
		return reflect.MakeChan(reflect.ChanOf(reflect.BothDir, typ.Elem()), 0).Convert(typ)
	case reflect.Bool:
		return reflect.ValueOf(true).Convert(typ)
	case reflect.String:
		return reflect.ValueOf("x").Convert(typ)
	case reflect.Int, reflect.Int64:
		return reflect.ValueOf(1).Convert(typ)
	case reflect.Struct:
		v := reflect.New(typ).Elem()
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && v.Field(i).Kind() != reflect.Struct {
				v.Field(i).Set(filled(t, v.Type().Field(i).Type))
				return v
			}
		}
	case reflect.Interface:
		for _, one := range []any{noMemory{}, noShelf{}} {
			if reflect.TypeOf(one).Implements(typ) {
				return reflect.ValueOf(one)
			}
		}
	}
	t.Fatalf("no value of %s: add one here", typ)
	return reflect.Value{}
}

type (
	noMemory struct{ Memory }
	noShelf  struct{ Shelf }
)
