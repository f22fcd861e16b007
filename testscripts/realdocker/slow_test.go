package realdocker

import (
	"os"
	"testing"
)

// slow skips what takes minutes, or engines and disks of its own: make
// test-slow runs it.
func slow(t *testing.T) {
	t.Helper()
	if os.Getenv("POPSICLE_TEST_SLOW") == "" {
		t.Skip("takes minutes: make test-slow runs it (POPSICLE_TEST_SLOW=1)")
	}
}
