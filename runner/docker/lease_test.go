package docker

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// holder makes this test program a process that takes a lease, and lives
// until it is killed.
const holder = "POPSICLE_TEST_HOLD_LEASE_IN"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holder); dir != "" {
		l, err := TakeLease(dir)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(l.Path)
		interrupted := make(chan os.Signal, 1)
		signal.Notify(interrupted, os.Interrupt)
		<-interrupted // never comes: it is killed
		_ = l.Release()
	}
	os.Exit(m.Run())
}

// hold starts a process that holds a lease.
func hold(t *testing.T, dir string) (lease string, kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holder+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	kill = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	t.Cleanup(kill)
	return strings.TrimSpace(line), kill
}

func TestLease(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "leases")
	l, err := TakeLease(dir)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // asking changes nothing
		if !LeaseHeld(l.Path) {
			t.Error("a lease of this very process counts as dead")
		}
	}
	if held, dead, err := Leases(dir); len(held) != 1 || len(dead) > 0 || err != nil {
		t.Errorf("dead are %v, %v", dead, err)
	}
	if info, err := os.Stat(l.Path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
	if LeaseHeld(l.Path) {
		t.Error("a released lease counts as held")
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	for path, want := range map[string]bool{"": true, "relative": true, filepath.Join(dir, "never-was"): false} {
		if LeaseHeld(path) != want {
			t.Errorf("%q: held is %v", path, !want)
		}
	}
}

func TestLeaseOfAKilledProcess(t *testing.T) {
	dir := t.TempDir()
	alive, _ := hold(t, dir)
	lease, kill := hold(t, dir)
	if !LeaseHeld(lease) || !LeaseHeld(alive) {
		t.Error("the lease of a live process counts as dead")
	}
	kill()
	if LeaseHeld(lease) {
		t.Error("the lease of a killed process counts as held")
	}
	if held, dead, err := Leases(dir); err != nil || !slices.Equal(held, []string{alive}) || !slices.Equal(dead, []string{lease}) {
		t.Errorf("held are %v and dead %v, %v; want %s and %s", held, dead, err, alive, lease)
	}
}

// Reap takes what is of a dead run of this host, and nothing else.
func TestReap(t *testing.T) {
	dir := t.TempDir()
	alive, _ := hold(t, dir)
	dead, kill := hold(t, dir)
	kill()
	here, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	var containers, volumes strings.Builder
	line := func(b *strings.Builder, name, host, lease, base string) {
		fmt.Fprintf(b, "%s\t%s\t%s\t%s\t\n", name, host, lease, base)
	}
	fmt.Fprintf(&containers, "c-kept\t%s\t%s\t\t/home\n", here, dead)
	line(&containers, "c-live", here, alive, "")
	line(&containers, "c-dead", here, dead, "")
	line(&containers, "c-elsewhere", "other-host", dead, "")
	line(&containers, "c-strange", here, "not a path", "")
	line(&volumes, "v-live", here, alive, "")
	line(&volumes, "v-dead", here, dead, "")
	line(&volumes, "v-filling", here, alive, "/home")
	line(&volumes, "v-kept", here, dead, "/home")
	line(&volumes, "v-unknown", here, dead, "/home")
	files := t.TempDir()
	for name, text := range map[string]string{"ps": containers.String(), "volume": volumes.String()} {
		if err := os.WriteFile(filepath.Join(files, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := fake(t, `cd `+files+`
case "$1 $2" in
"ps "*|"volume ls") cat "$1" ;;
*) echo "$@" >>removed ;;
esac`)
	reaped, err := c.Reap(t.Context(), func(name, home string) bool {
		if base := strings.HasSuffix(name, "-kept") || name == "v-unknown"; base != (home == "/home") {
			t.Errorf("asked for %s of %q", name, home)
		}
		return strings.HasSuffix(name, "-kept")
	})
	slices.Sort(reaped)
	if want := []string{"c-dead", "v-dead", "v-unknown"}; err != nil || !slices.Equal(reaped, want) {
		t.Errorf("reaped %v, %v", reaped, err)
	}
	removed, _ := os.ReadFile(filepath.Join(files, "removed"))
	if got := string(removed); got != "rm --force --volumes c-dead\nvolume rm v-dead v-unknown\n" && got != "rm --force --volumes c-dead\nvolume rm v-unknown v-dead\n" {
		t.Errorf("docker was told\n%s", got)
	}
}
