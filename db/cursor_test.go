package db

import (
	"reflect"
	"testing"
)

func TestCursor(t *testing.T) {
	type step struct {
		number int
		offset int64
		done   bool
	}
	for _, c := range []struct {
		name  string
		steps []step
		want  string
	}{
		{"nothing read", nil, ""},
		{"within the first", []step{{1, 5, false}}, "1.5"},
		{"the last one stays", []step{{1, 5, true}}, "1.5"},
		{"until another is touched", []step{{1, 5, true}, {2, 0, false}}, "2.0"},
		{"a background step stays", []step{{1, 5, true}, {2, 7, false}, {3, 9, true}, {4, 1, false}}, "2.7_4.1"},
		{"until it ends", []step{{2, 7, false}, {4, 1, false}, {2, 8, true}, {4, 2, true}}, "4.2"},
	} {
		var cursor Cursor
		for _, s := range c.steps {
			cursor = cursor.moved(s.number, s.offset, s.done)
		}
		if cursor.String() != c.want {
			t.Errorf("%s: %q, want %q", c.name, cursor, c.want)
		}
	}
}

func TestCursorSteps(t *testing.T) {
	cursor, err := ParseCursor("2.7_4.1")
	if err != nil {
		t.Fatal(err)
	}
	for number, want := range []struct {
		offset int64
		done   bool
	}{1: {0, true}, 2: {7, false}, 3: {0, true}, 4: {1, false}, 5: {0, false}} {
		if offset, done := cursor.step(number); number > 0 && (offset != want.offset || done != want.done) {
			t.Errorf("step %d goes on at %d, done %v; want %+v", number, offset, done, want)
		}
	}
}

func FuzzParseCursor(f *testing.F) {
	for _, seed := range []string{"", "1.0", "2.4096_5.100", "1", "1.", ".1", "1.1_", "2.1_1.1", "-1.5", "1.-5", "1.99999999999999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cursor, err := ParseCursor(text)
		if err != nil {
			return
		}
		again, err := ParseCursor(cursor.String())
		if err != nil || !reflect.DeepEqual(again, cursor) {
			t.Errorf("%q is read as %v, and that as %v, %v", text, cursor, again, err)
		}
		for _, p := range cursor.open {
			if offset, done := cursor.step(p.step); done || offset != p.offset || offset < 0 {
				t.Errorf("%q: step %d goes on at %d, done %v", text, p.step, offset, done)
			}
		}
	})
}

func FuzzUnpackMarks(f *testing.F) {
	f.Add(packMarks([]mark{{0, 1_700_000_000_000}, {5, 1_700_000_000_100}, {9, 1_600_000_000_000}}))
	f.Add([]byte{0x80})
	f.Fuzz(func(t *testing.T, packed []byte) {
		marks, err := unpackMarks(packed)
		if err != nil {
			return
		}
		if again, err := unpackMarks(packMarks(marks)); err != nil || !reflect.DeepEqual(again, marks) {
			t.Errorf("%v became %v, %v", marks, again, err)
		}
	})
}
