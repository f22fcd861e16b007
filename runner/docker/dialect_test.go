package docker

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakePodman is a CLI whose podman is a shell script.
func fakePodman(t *testing.T, script string) CLI {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "podman")
	if err := os.WriteFile(bin, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	return CLI{Bin: bin}
}

func TestWhoIsPodman(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o755)); err != nil {
			t.Fatal(err)
		}
		return file
	}
	podman := write("bin/podman", "\x7fELF podman")
	link := filepath.Join(dir, "docker")
	if err := os.Symlink(podman, link); err != nil {
		t.Fatal(err)
	}
	tests := map[string]bool{
		"podman": true, "/usr/bin/podman-remote": true, podman: true, link: true,
		"docker": false, "nerdctl": false, "/no/such/docker": false,
		// https://github.com/containers/podman/blob/main/docker.in
		write("package/docker", "#!/usr/bin/sh\n[ -e /etc/containers/nodocker ] || echo \"Emulate Docker CLI using podman.\" >&2\nexec /usr/bin/podman \"$@\"\n"): true,
		write("script/docker", "#!/bin/sh\nexec /opt/docker/bin/docker \"$@\" # not podman-like\n"):                                                               false,
		write("binary/docker", "\x7fELF exec /usr/bin/podman "):                                                                                                   false,
	}
	for bin, want := range tests {
		if got := IsPodman(bin); got != want {
			t.Errorf("%s: %v", bin, got)
		}
	}
	for bin, want := range map[string]string{"docker": "docker", "/opt/docker": "docker", podman: "docker", "/x/nerdctl": "docker", "mydocker": "mydocker"} {
		if got := Elsewhere(bin); got != want {
			t.Errorf("elsewhere, %s is %s", bin, got)
		}
	}
}

func TestPodmansNamesOfImages(t *testing.T) {
	for ref, want := range map[string]string{
		"python:3.9":                      "docker.io/library/python:3.9",
		"cimg/go:1.26":                    "docker.io/cimg/go:1.26",
		"docker.io/cimg/go":               "docker.io/cimg/go",
		"index.docker.io/library/busybox": "docker.io/library/busybox",
		"quay.io/podman/stable":           "quay.io/podman/stable",
		"localhost/a":                     "localhost/a",
		"localhost:5000/a/b@sha256:01":    "localhost:5000/a/b@sha256:01",
	} {
		if got := podmans.pull(ref); got != want {
			t.Errorf("%s is pulled as %s, want %s", ref, got, want)
		}
		if got := dockers.pull(ref); got != ref {
			t.Errorf("docker pulls %s as %s", ref, got)
		}
	}
}

func TestPodmanInfo(t *testing.T) {
	c := fakePodman(t, `echo '{"host":{"arch":"arm64","hostname":"box","cpus":8,"memTotal":1024,"security":{"rootless":true},"distribution":{"distribution":"debian","version":"12"}},`+
		`"store":{"graphDriverName":"overlay","graphRoot":"/var/lib/containers/storage"},"version":{"Version":"4.3.1"}}'`)
	got, err := c.Info(t.Context())
	want := Info{Name: "box", Version: "4.3.1", OS: "debian 12", Arch: "arm64", Driver: "overlay", Root: "/var/lib/containers/storage", CPUs: 8, Memory: 1024, Rootless: true}
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := fakePodman(t, "echo oops").Info(t.Context()); err == nil || !strings.Contains(err.Error(), "podman info: ") {
		t.Errorf("%v", err)
	}
	version, arch, err := fakePodman(t, `[ "$3" = '{{.Server.Version}} {{.Server.OsArch}}' ] && echo 4.3.1 linux/arm64`).Version(t.Context())
	if version != "4.3.1" || arch != "arm64" || err != nil {
		t.Errorf("%s, %s, %v", version, arch, err)
	}
}

// TestPodmanIsAsked holds the words that podman needs, each of which it did not
// work without.
func TestPodmanIsAsked(t *testing.T) {
	ctx := t.Context()
	said := filepath.Join(t.TempDir(), "said")
	c := fakePodman(t, `printf '%s ' "$@" >>`+said+`; echo >>`+said)
	_, err := c.Labelled(ctx, "container", LabelLease, LabelHost)
	err = errors.Join(err, c.Remove(ctx, "a", "b"), c.CopyInto(ctx, "a", "/x", strings.NewReader("")), c.Pull(ctx, "cimg/go", "", nil, nil))
	text, readErr := os.ReadFile(said)
	if err := errors.Join(err, readErr); err != nil {
		t.Fatal(err)
	}
	want := "ps --all --no-trunc --filter label=popsicle.lease --format {{.Names}}\t{{index .Labels \"popsicle.host\"}} \n" +
		"rm --force --volumes --ignore --depend --time 0 a b \n" +
		"cp --archive=false - a:/x \n" +
		"pull -- docker.io/cimg/go \n"
	if string(text) != want {
		t.Errorf("got\n%swant\n%s", text, want)
	}
	s := podmans.fit(Spec{Mounts: []Mount{{Target: "/t", Labels: map[string]string{"a": "1"}}}})
	if got := s.Mounts[0].arg(); got != "type=volume,target=/t" {
		t.Errorf("podman has no labels for volumes in --mount: %s", got)
	}
}

func TestPodmansErrors(t *testing.T) {
	tests := []struct {
		args       []string
		said, hint string
		is         func(error) bool
	}{
		{[]string{"run"}, "Error: cimg/nosuch:latest: image not known", "", NoSuchImage},
		{[]string{"image", "inspect"}, "Error: inspecting object: nosuch:latest: image not known", "", NoSuchImage},
		{[]string{"run"}, "Error: statfs /nosuch: no such file or directory", "", NoMount},
		{[]string{"run"}, "Error: mounting volume 0bbb for container d2f5: mount: /x: wrong fs type, bad option, bad superblock on overlay", "", NoMount},
		{[]string{"volume", "rm"}, `Error: no volume with name "vv" found: no such volume`, "", Gone},
		{[]string{"exec"}, `Error: no container with name or ID "c" found: no such container`, "", Gone},
		{[]string{"pull"}, `Error: choosing an image from manifest list docker://x: no image found in manifest list for architecture arm64, variant "v8", OS linux`, "", NoPlatform},
		{[]string{"pull"}, "Error: reading manifest 1 in localhost:5077/priv/bb: unauthorized: authentication required", "", Refused},
		{[]string{"run"}, "Error: container-init binary not found on the host: stat /usr/libexec/podman/catatonit: no such file or directory", "apt install catatonit", nil},
		{[]string{"info"}, "Cannot connect to Podman. Please verify your connection to the Linux system", "podman machine start", nil},
		{[]string{"run"}, "Error: runc: runc create failed: error setting rlimit type 6: operation not permitted: OCI permission denied", "default_ulimits", nil},
	}
	for _, tt := range tests {
		err := CLI{Bin: "/usr/bin/podman"}.failure(tt.args, errors.New("exit status 125"), tt.said)
		if !strings.HasPrefix(err.Error(), "podman "+tt.args[0]) || !strings.Contains(err.Error(), tt.hint) {
			t.Errorf("%q says %q", tt.said, err)
		}
		if tt.is != nil && !tt.is(err) {
			t.Errorf("%q is not taken for what it is", tt.said)
		}
	}
}

func TestPodmanSpeaksInExec(t *testing.T) {
	for said, want := range map[string]bool{
		`Error: no container with name or ID "c" found: no such container`:                                        true,
		"Error: can only create exec sessions on running containers: container state improper":                    true,
		"Cannot connect to Podman. Please verify your connection":                                                 true,
		"Error: my own program says so":                                                                           false,
		`Error: runc: exec failed: unable to start container process: exec: "/nosuch": no such file or directory`: false,
	} {
		if got := engineSpoke(said); got != want {
			t.Errorf("%s: %v", said, got)
		}
	}
}

// TestLeftByPodman has podman leave a container behind whose network another
// shares: Close removes it.
func TestLeftByPodman(t *testing.T) {
	said := filepath.Join(t.TempDir(), "said")
	c := fakePodman(t, `case $1 in
run) cat; echo 'level=error msg="Removing container 5f: container 5f has dependent containers which must be removed before it"' >&2 ;;
*) echo "$@" >>`+said+`;;
esac`)
	ct, err := c.Start(Spec{Name: "primary", Image: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if err := ct.Close(t.Context(), 1<<40); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(said); !strings.HasSuffix(string(text), " primary\n") {
		t.Errorf("it was not removed: %q", text)
	}
}

func TestAddressesOfPodman(t *testing.T) {
	t.Setenv("CONTAINER_HOST", "")
	t.Setenv("DOCKER_HOST", "tcp://not-podmans:1")
	c := CLI{Bin: "podman"}
	if got := c.Endpoint(); got != "podman" {
		t.Errorf("%s", got)
	}
	if file, _ := c.Socket(); !strings.HasSuffix(file, "/podman/podman.sock") {
		t.Errorf("%s", file)
	}
	c.Env = []string{"CONTAINER_HOST=ssh://core@vm/run/podman.sock"}
	if got := c.Endpoint(); got != "ssh://core@vm/run/podman.sock" {
		t.Errorf("%s", got)
	}
	if file, seen := c.Socket(); file != "/var/run/docker.sock" || seen {
		t.Errorf("%s, %v", file, seen)
	}
}
