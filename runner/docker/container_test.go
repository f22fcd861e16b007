package docker

import (
	enc "encoding/csv"
	"slices"
	"strings"
	"testing"
)

func TestMount(t *testing.T) {
	tests := []struct {
		name string
		m    Mount
		want string
	}{
		{"a volume", Mount{Target: "/t", Volume: "v"}, "type=volume,target=/t,source=v"},
		{"a volume to read", Mount{Target: "/t", Volume: "v", ReadOnly: true}, "type=volume,target=/t,source=v,ro"},
		{"a bind", Mount{Target: "/t", Bind: "/host"}, "type=bind,source=/host,target=/t,ro"},
		{"a bind whose path has a comma", Mount{Target: "/t", Bind: "/a,b"}, `type=bind,"source=/a,b",target=/t,ro`},
		{"a quote", Mount{Target: `/t"x"`, Volume: "v"}, `type=volume,"target=/t""x""",source=v`},
		{
			"an overlay of its own", Mount{Target: "/t", Options: map[string]string{"type": "overlay", "device": "overlay", "o": "lowerdir=/l,upperdir=/u,workdir=/w"}},
			`type=volume,target=/t,volume-opt=device=overlay,"volume-opt=o=lowerdir=/l,upperdir=/u,workdir=/w",volume-opt=type=overlay`,
		},
		{"labels", Mount{Target: "/t", Labels: map[string]string{"b": "2", "a": "1"}}, "type=volume,target=/t,volume-label=a=1,volume-label=b=2"},
	}
	for _, tt := range tests {
		if got := tt.m.arg(); got != tt.want {
			t.Errorf("%s\ngot  %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

// Docker reads --mount as one line of CSV.
func TestCSVIsReadAsWritten(t *testing.T) {
	fields := []string{"plain", "a,b", `say "x"`, `"`, "two\nlines", "", "it's", ` blank `}
	got, err := enc.NewReader(strings.NewReader(csv(fields))).Read()
	if err != nil || !slices.Equal(got, fields) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestRunArguments(t *testing.T) {
	s := Spec{
		Name: "n", Image: "img:1", Command: []string{"-c", "script", "popsicle"}, Entrypoint: []string{"/bin/sh"}, User: "1000", Platform: "linux/arm64",
		Labels: map[string]string{"popsicle.run": "7", "popsicle.job": "a b"},
		Mounts: []Mount{{Target: "/a", Volume: "va"}, {Target: "/b", Bind: "/host"}},
	}
	want := "run|--interactive|--init|--rm|--pull|never|--log-driver|none|--name|n|--label|popsicle.job=a b|--label|popsicle.run=7" +
		"|--user|1000|--platform|linux/arm64|--entrypoint|/bin/sh|--mount|type=volume,target=/a,source=va|--mount|type=bind,source=/host,target=/b,ro|img:1|-c|script|popsicle"
	if got := strings.Join(s.args(), "|"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	want = "run|--interactive|--init|--rm|--pull|never|--log-driver|none|--name||img"
	if got := strings.Join(Spec{Image: "img"}.args(), "|"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	want = strings.Replace(want, "|--rm", "", 1)
	if got := strings.Join(Spec{Image: "img", Stays: true}.args(), "|"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestServiceArguments(t *testing.T) {
	s := Spec{
		Name: "n", Image: "img", Entrypoint: []string{"a", "b"}, Command: []string{"c"}, Network: "container:p", Hosts: []string{"db"},
		Env: []string{"A=1", "PATH=/bin", "E="},
	}
	want := "--rm|--pull|never|--log-driver|none|--name|n|--network|container:p|--add-host|db:127.0.0.1" +
		"|--env|A|--env|PATH=/bin|--env|E|--entrypoint|a|img|b|c"
	if got := strings.Join(s.rest(), "|"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if _, client := s.environment(); !slices.Equal(client, []string{"A=1", "E="}) {
		t.Errorf("the client gets %q", client)
	}
	if got := strings.Join(Spec{Image: "img", Entrypoint: []string{""}}.rest(), "|"); !strings.HasSuffix(got, "|--entrypoint||img") {
		t.Errorf("no entrypoint: %s", got)
	}
}

func TestTailKeepsTheEnd(t *testing.T) {
	var b tail
	for range 1000 {
		_, _ = b.Write([]byte(strings.Repeat("x", 99) + "\n"))
	}
	_, _ = b.Write([]byte("last\n"))
	if s := b.String(); len(s) > tailSize || !strings.HasSuffix(s, "x\nlast\n") {
		t.Errorf("%d bytes, ending in %q", len(s), s[len(s)-10:])
	}
}

func TestExec(t *testing.T) {
	tests := []struct {
		name, script string
		code         int
		out, said    string
		fails        bool
	}{
		{"passes", "cat; echo done >&2", 0, "in", "done", false},
		{"the command's own code", "echo out; echo no >&2; exit 3", 3, "out\n", "no", false},
		{"the engine's failure", "echo 'Error response from daemon: No such container: c' >&2; exit 1", 0, "", "", true},
		{"a command that is not there", "echo 'OCI runtime exec failed: exec failed: no such file' >&2; exit 126", 126, "", "OCI runtime exec failed: exec failed: no such file", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			code, said, err := fake(t, tt.script).Exec(t.Context(), "c", "", []string{"x"}, strings.NewReader("in"), &out)
			if code != tt.code || said != tt.said || out.String() != tt.out || (err != nil) != tt.fails {
				t.Errorf("got %d %q %q %v", code, out.String(), said, err)
			}
		})
	}
}
