package images

import (
	"context"
	"os"
	"slices"
	"testing"
)

// noDocker, set to 1, lets tests that need Docker be skipped. Without it they
// fail where Docker is absent: a test that nobody notices is skipped tests
// nothing.
const noDocker = "POPSICLE_TEST_NO_DOCKER"

// Busybox returns the name of an image that has busybox and nothing else.
func Busybox(t testing.TB) string { return need(t, BusyboxImage) }

// Debian returns the name of an image with bash, git, gcc, make, python3 and
// pytest, whose user is root.
func Debian(t testing.TB) string { return need(t, DebianImage) }

// Cimg returns the name of an image like Debian's whose user is circleci
// (3434), as in CircleCI's own images.
func Cimg(t testing.TB) string { return need(t, CimgImage) }

// Named makes names that configs use ("python:3.9") mean something until the
// test ends: where Docker lacks one, the image that stands for it gets the
// name, and loses it afterwards. Tests that ask for the same name wait for
// each other, across packages too, so ask once, for all names of a test.
func Named(t testing.TB, names ...string) {
	t.Helper()
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	for _, name := range names {
		image, err := For(name)
		if err != nil {
			t.Fatal(err)
		}
		need(t, image)
		unlock, err := lock(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(unlock)
		given, err := image.StandIn(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { takeBack(t, given) })
	}
}

// takeBack ends what Named began. The test's own context is over by then.
func takeBack(t testing.TB, names []string) {
	for _, name := range names {
		if err := remove(context.WithoutCancel(t.Context()), name); err != nil {
			t.Error(err)
		}
	}
}

// need makes an image for a test, and fails the test where that cannot be.
func need(t testing.TB, i Image) string {
	t.Helper()
	if os.Getenv(noDocker) == "1" {
		t.Skipf("SKIPPED, NOT TESTED: %s=1 and this test needs Docker with %s", noDocker, i.Name)
	}
	if err := i.Ensure(t.Context()); err != nil {
		t.Fatalf("%v\n(set %s=1 to skip every test that needs Docker)", err, noDocker)
	}
	return i.Name
}
