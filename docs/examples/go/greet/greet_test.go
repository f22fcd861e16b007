package greet

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAll(t *testing.T) {
	got := []string{All(nil), All([]string{"Ada"}), All([]string{"Ada", "Bob", "Eve"})}
	want := []string{"Hello, world!", "Hello, Ada!", "Hello, Ada, Bob and Eve!"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("greetings (-want +got):\n%s", diff)
	}
}
