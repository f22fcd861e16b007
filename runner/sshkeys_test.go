package runner

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/popsicle-ci/popsicle/runner/plan"
	"github.com/popsicle-ci/popsicle/testscripts/images"
)

// newKey makes a key by ssh-keygen.
func newKey(t *testing.T, args ...string) SSHKey {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	if out, err := exec.Command("ssh-keygen", append([]string{"-q", "-N", "", "-C", "test", "-f", file}, args...)...).CombinedOutput(); err != nil {
		t.Skipf("no ssh-keygen here: %v: %s", err, out)
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(pem)
	if err != nil {
		t.Fatal(err)
	}
	md5 := ssh.FingerprintLegacyMD5(signer.PublicKey())
	return SSHKey{Fingerprints: []string{ssh.FingerprintSHA256(signer.PublicKey()), md5}, MD5: md5, PEM: string(pem)}
}

func TestKeysOf(t *testing.T) {
	one := SSHKey{Fingerprints: []string{"SHA256:abc", "aa:bb"}, PEM: "one"}
	two := SSHKey{Fingerprints: []string{"SHA256:stand-in", "SHA256:def", "cc:dd"}, PEM: "two"}
	r := &Runner{Keys: []SSHKey{one, two}}
	for _, tt := range []struct{ wanted, keys, missing []string }{
		{nil, []string{"one", "two"}, nil},
		{[]string{"SHA256:abc"}, []string{"one"}, nil},
		{[]string{"SHA256:def="}, []string{"two"}, nil},
		{[]string{"SHA256:stand-in", "AA:BB"}, []string{"two", "one"}, nil},
		{[]string{"MD5:cc:dd", "ee:ff"}, []string{"two"}, []string{"ee:ff"}},
		{[]string{"SHA256:ABC"}, nil, []string{"SHA256:ABC"}},
	} {
		keys, missing := r.keysOf(plan.AddSSHKeys{Fingerprints: tt.wanted})
		var got []string
		for _, k := range keys {
			got = append(got, k.PEM)
		}
		if !slices.Equal(got, tt.keys) || !slices.Equal(missing, tt.missing) {
			t.Errorf("%v: %v without %v", tt.wanted, got, missing)
		}
	}
}

// The keys of hosts are those that the hosts publish the fingerprints of.
func TestKnownHosts(t *testing.T) {
	published := map[string]string{
		"github.com":    "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU",
		"gitlab.com":    "SHA256:eUXGGm1YGsMAS7vkcx6JOJdOGHPem5gQp4taiCfCLB8",
		"bitbucket.org": "SHA256:ybgmFkzwOSotHTHLJgHO0QN8L0xErw6vd0VhFA9m3SM",
	}
	for _, line := range knownHosts {
		_, hosts, key, _, _, err := ssh.ParseKnownHosts([]byte(line))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if got := ssh.FingerprintSHA256(key); got != published[hosts[0]] {
			t.Errorf("%s has %s, and publishes %s", hosts[0], got, published[hosts[0]])
		}
	}
}

func TestAddSSHKeys(t *testing.T) {
	key, other := newKey(t, "-t", "ed25519"), newKey(t, "-t", "rsa", "-b", "2048")
	file := "id_rsa_" + strings.ReplaceAll(key.MD5, ":", "")
	r := newRig(t, nil)
	j := jobOn(images.Busybox(t),
		plan.AddSSHKeys{Fingerprints: []string{key.MD5, "SHA256:unknown"}},
		"cd ~/.ssh && stat -c '%a %n' . * && grep -A1 Host config && wc -l <known_hosts; ls | grep -c id_rsa; umask",
		"cat ~/.ssh/"+file,
	)
	o := r.run(j, func(r *Runner) {
		r.Keys = []SSHKey{other, key}
		r.Mask = NewMask([]plan.Var{{Name: "KEY", Value: key.PEM}})
	})
	r.must(t, o)
	if got, want := r.said(3), "700 .\n600 config\n600 "+file+"\n600 known_hosts\nHost *\n  IdentityFile ~/.ssh/"+file+"\n3\n1\n0022\n"; got != want {
		t.Errorf("the home has\n%s, want\n%s", got, want)
	}
	if got := r.said(2); !strings.Contains(got, "Installed "+key.Fingerprints[0]+" as ~/.ssh/"+file) || !strings.Contains(got, "popsicle run --ssh-key SHA256:unknown=FILE") {
		t.Errorf("the step says %q", got)
	}
	if got := r.said(4); strings.Contains(got, "PRIVATE") || !strings.HasPrefix(got, "****") {
		t.Errorf("the key is shown: %q", got)
	}
}

func TestAddSSHKeysWithoutKeys(t *testing.T) {
	r := newRig(t, nil)
	o := r.run(jobOn(images.Busybox(t), plan.AddSSHKeys{}, "echo went on"))
	r.must(t, o)
	if got := r.said(2); !strings.Contains(got, "popsicle run --ssh-key FILE") {
		t.Errorf("the step says %q", got)
	}
	if got := r.story(); !strings.Contains(got, "=skipped 3<went on/>=success:0") {
		t.Errorf("the job went %s", got)
	}
}

// Where the image has an agent, the steps after it find the key there.
func TestAddSSHKeysToAnAgent(t *testing.T) {
	key := newKey(t, "-t", "ed25519")
	r := newRig(t, nil)
	j := jobOn(images.Debian(t), plan.AddSSHKeys{}, "command -v ssh-add >/dev/null || { echo none; exit 0; }; ssh-add -l")
	o := r.run(j, func(r *Runner) { r.Keys = []SSHKey{key} })
	r.must(t, o)
	if got := r.said(3); got != "none\n" && !strings.Contains(got, key.Fingerprints[0]) {
		t.Errorf("the agent has %q", got)
	}
}
