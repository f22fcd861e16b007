package docker

import (
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// fake is a CLI whose docker is a shell script.
func fake(t *testing.T, script string) CLI {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "docker")
	if err := os.WriteFile(bin, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	return CLI{Bin: bin}
}

func TestFollowAPull(t *testing.T) {
	const layers = "latest: Pulling from library/python\n" +
		"aaaaaaaaaaaa: Already exists\n" +
		"bbbbbbbbbbbb: Pulling fs layer\ncccccccccccc: Pulling fs layer\nbbbbbbbbbbbb: Waiting\n" +
		"bbbbbbbbbbbb: Download complete\nbbbbbbbbbbbb: Pull complete\nbbbbbbbbbbbb: Pull complete\ncccccccccccc: Pull complete\n" +
		"Digest: sha256:0123\nStatus: Downloaded newer image for python:latest\n"
	var said []string
	follow(strings.NewReader(layers), func(s string) { said = append(said, s) })
	if len(said) == 0 || said[0] != "1 of 1 layers" || said[len(said)-1] != "3 of 3 layers" {
		t.Errorf("%q", said)
	}
	follow(strings.NewReader("Status: Image is up to date\n"), func(s string) { t.Errorf("said %q", s) })
}

func TestErrors(t *testing.T) {
	tests := []struct {
		args       []string
		said       string
		text, hint string
		is         func(error) bool
	}{
		{[]string{"run", "x"}, "docker: Error response from daemon: No such image: x:latest.", "docker run: Error response from daemon: No such image", "", NoSuchImage},
		{[]string{"run"}, "Unable to find image 'x:latest' locally", "docker run: Unable", "", NoSuchImage},
		{[]string{"--host", "h", "volume", "inspect"}, "Error: No such volume: v", "docker volume inspect: Error", "", Gone},
		{[]string{"volume", "inspect"}, "Error response from daemon: get v: no such volume", "docker volume inspect:", "", Gone},
		{[]string{"rm"}, "Error: No such container: c", "docker rm:", "", Gone},
		{[]string{"rm"}, "removal of container c is already in progress", "docker rm:", "", Gone},
		{[]string{"run"}, "error while mounting volume '/x': failed to mount local volume: no such file or directory", "docker run:", "", NoMount},
		{[]string{"run"}, `invalid mount config for type "bind": bind source path does not exist: /x`, "docker run:", "", NoMount},
		{[]string{"pull"}, "no matching manifest for linux/arm64/v8 in the manifest list entries", "docker pull:", "--platform linux/amd64", NoPlatform},
		{[]string{"pull"}, "pull access denied for x, repository does not exist", "docker pull:", "docker login", nil},
		{[]string{"run"}, "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?", "docker run:", "start the engine", nil},
		{[]string{"run"}, "write /x: no space left on device", "docker run:", "docker system df", nil},
	}
	for _, tt := range tests {
		err := error(&Error{Args: tt.args, Text: tt.said, Err: errors.New("exit status 125")})
		if !strings.HasPrefix(err.Error(), tt.text) || !strings.Contains(err.Error(), tt.hint) {
			t.Errorf("%q says %q", tt.said, err)
		}
		if tt.is != nil && !tt.is(err) {
			t.Errorf("%q is not taken for what it is", tt.said)
		}
		if tt.is != nil && tt.is(errors.New(tt.said)) {
			t.Errorf("%q of somebody else is taken for docker's", tt.said)
		}
	}
	if err := (&Error{Args: []string{"run"}, Err: errors.New("exit status 1")}).Error(); err != "docker run: exit status 1" {
		t.Errorf("%q", err)
	}
}

func TestOutput(t *testing.T) {
	ctx := t.Context()
	if out, err := fake(t, `printf '%s|' "$@"; echo; echo`).output(ctx, "a b", "$c"); out != "a b|$c|" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
	c := fake(t, `printf '%s|' "$@"`)
	c.Host = "tcp://engine:2376"
	if out, err := c.output(ctx, "ps"); out != "--host|tcp://engine:2376|ps|" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
	_, err := fake(t, `for i in 1 2 3 4 5 6 7; do echo "line $i" >&2; done; exit 3`).output(ctx, "ps")
	if err == nil || strings.Contains(err.Error(), "line 2") || !strings.Contains(err.Error(), "line 3; line 4") {
		t.Errorf("%v", err)
	}
	_, err = CLI{Bin: "no-such-docker"}.output(ctx, "ps")
	if err == nil || !strings.Contains(err.Error(), "no-such-docker is not on the PATH") || !strings.Contains(err.Error(), "--engine") {
		t.Errorf("%v", err)
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := fake(t, "exit 0").output(canceled, "ps"); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

func TestLabelled(t *testing.T) {
	c := fake(t, `printf 'one\tvm\t/x\t\ntwo\t\t\t/home\nodd\tline\n'`)
	got, err := c.Labelled(t.Context(), "volume", LabelLease, LabelHost, LabelLease, LabelBase)
	want := map[string][]string{"one": {"vm", "/x", ""}, "two": {"", "", "/home"}}
	if err != nil || !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := fake(t, "exit 0").Labelled(t.Context(), "container", LabelLease); len(got) > 0 || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestRemoveForgivesWhatIsGone(t *testing.T) {
	ctx := t.Context()
	gone := fake(t, "echo 'Error: No such container: c' >&2; exit 1")
	used := fake(t, "echo 'Error: volume is in use' >&2; exit 1")
	if err := gone.Remove(ctx, "c"); err != nil {
		t.Error(err)
	}
	if err := used.VolumeRemove(ctx, "v"); err == nil {
		t.Error("a volume in use is said to be removed")
	}
	never := fake(t, "echo called >&2; exit 1")
	if err := errors.Join(never.Remove(ctx), never.VolumeRemove(ctx)); err != nil {
		t.Errorf("of nothing: %v", err)
	}
}

// A client that is given up in the middle of a create may have created.
func TestFillRemovesItsContainerWhateverHappens(t *testing.T) {
	for name, script := range map[string]string{"create fails": "create", "copy fails": "cp"} {
		t.Run(name, func(t *testing.T) {
			log := filepath.Join(t.TempDir(), "log")
			c := fake(t, `echo "$1" >>`+log+`; [ "$1" != `+script+` ]`)
			if err := c.Fill(t.Context(), "v", "img", "box", nil, strings.NewReader("")); err == nil {
				t.Error("no error")
			}
			if text, _ := os.ReadFile(log); !strings.HasSuffix(string(text), script+"\nrm\n") {
				t.Errorf("docker did %q", text)
			}
		})
	}
}

func TestContainer(t *testing.T) {
	ct, err := fake(t, "cat; echo said >&2; exit 3").Start(Spec{Name: "n"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(ct.Stdin, "hello"); err != nil {
		t.Fatal(err)
	}
	_ = ct.Stdin.Close()
	if out, err := io.ReadAll(ct.Stdout); string(out) != "hello" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
	if err := ct.Wait(); err == nil || err.Error() != "docker run: said" {
		t.Errorf("%v", err)
	}
	if err := ct.Close(t.Context(), time.Minute); err != nil {
		t.Errorf("to close what has ended: %v", err)
	}
}

// A container that does not heed the end of its input is removed by force.
func TestContainerThatStays(t *testing.T) {
	c := fake(t, `case $1 in
rm) kill "$(cat "$0.pid")" ;;
run) echo $$ >"$0.pid"; echo up; while :; do sleep 0.05; done ;;
esac`)
	ct, err := c.Start(Spec{Name: "n"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(ct.Stdout, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	if err := ct.Close(t.Context(), 0); err != nil {
		t.Error(err)
	}
	<-ct.Done()
}

// A container that is to go before its client has made it goes all the same.
func TestContainerMadeTooLate(t *testing.T) {
	dir := t.TempDir()
	c := fake(t, `cd `+dir+`
case $1 in
rm) if [ -e made ]; then rm made; echo n; fi; echo >>asked ;;
run) while [ ! -e asked ]; do sleep 0.05; done; touch made; cat ;;
esac`)
	ct, err := c.Start(Spec{Name: "n", Stays: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := ct.Close(t.Context(), 0); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "made")); err == nil {
		t.Error("the container is there")
	}
}

func TestInfo(t *testing.T) {
	said := `{"Name":"box","ServerVersion":"27.1","OperatingSystem":"Docker Desktop","Architecture":"aarch64","Driver":"overlay2","NCPU":8,"MemTotal":1024,"SystemTime":"2026-11-24T15:54:10Z","SecurityOptions":["name=seccomp,profile=default","name=rootless"]}`
	got, err := fake(t, "echo '"+said+"'").Info(t.Context())
	want := Info{Name: "box", Version: "27.1", OS: "Docker Desktop", Arch: "arm64", Driver: "overlay2", CPUs: 8, Memory: 1024, Time: time.Date(2026, 11, 24, 15, 54, 10, 0, time.UTC), Rootless: true}
	if err != nil || got != want {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
	_, err = fake(t, `echo '{"ServerErrors":["Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?"]}'`).Info(t.Context())
	if err == nil || !strings.Contains(err.Error(), "start the engine") {
		t.Errorf("an engine that does not answer: %v", err)
	}
}
