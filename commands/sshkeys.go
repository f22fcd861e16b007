package commands

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/popsicle-ci/popsicle/runner"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// sshKeys reads the keys of --ssh-key, "FILE" or "FINGERPRINT=FILE": a key of
// one's own may stand for one that only CircleCI has.
func sshKeys(given []string) ([]runner.SSHKey, error) {
	var keys []runner.SSHKey
	for _, g := range given {
		stands, file := "", g
		if i := strings.LastIndex(g, "="); i >= 0 && (strings.HasPrefix(g, "SHA256:") || strings.Count(g[:i], ":") >= 15) {
			stands, file = g[:i], g[i+1:]
		}
		key, err := readKey(file)
		if err != nil {
			return nil, err
		}
		if stands != "" {
			key.Fingerprints = append([]string{stands}, key.Fingerprints...)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func readKey(file string) (runner.SSHKey, error) {
	if rest, ok := strings.CutPrefix(file, "~/"); ok { // a shell leaves FINGERPRINT=~/… as it is
		home, err := os.UserHomeDir()
		if err != nil {
			return runner.SSHKey{}, usage("--ssh-key %s: %w", file, err)
		}
		file = filepath.Join(home, rest)
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return runner.SSHKey{}, usage("--ssh-key: %w", err)
	}
	signer, err := ssh.ParsePrivateKey(pem)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		return runner.SSHKey{}, usage("--ssh-key %s: the key has a passphrase, which no job can type: give one without (ssh-keygen -p -f COPY)", file)
	}
	if err != nil {
		return runner.SSHKey{}, usage("--ssh-key %s is no private SSH key (not the .pub): %w", file, err)
	}
	public := signer.PublicKey()
	md5 := ssh.FingerprintLegacyMD5(public)
	return runner.SSHKey{Fingerprints: []string{ssh.FingerprintSHA256(public), md5}, MD5: md5, PEM: string(pem)}, nil
}

// keySecrets are the keys as what the mask hides.
func keySecrets(keys []runner.SSHKey) []plan.Var {
	var secrets []plan.Var
	for _, k := range keys {
		secrets = append(secrets, plan.Var{Name: "--ssh-key " + k.Fingerprints[0], Value: k.PEM})
	}
	return secrets
}
