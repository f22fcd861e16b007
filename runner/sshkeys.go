package runner

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/event"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// An SSHKey is a private key that add_ssh_keys may give to jobs.
type SSHKey struct {
	Fingerprints []string // all that it is called by: SHA256:… and the older aa:bb:…
	MD5          string   // the older fingerprint of the key itself, which names its file
	PEM          string   // the private key
}

// An Agent is an SSH agent that the engine can mount into containers.
type Agent struct {
	Socket       string   // on the engine's host
	Fingerprints []string // of its keys, in both forms
}

// agentSocket is where a container sees an agent.
const agentSocket = "/.popsicle/agent.sock"

// agent is what the job may use, if it asks for keys; nil: none.
func (j *job) agent() *Agent {
	asks := slices.ContainsFunc(j.plan.Steps, func(s plan.Step) bool {
		_, is := s.Do.(plan.AddSSHKeys)
		return is
	})
	if !asks || j.host {
		return nil
	}
	return j.runner.Agent
}

// knownHosts are the keys that three hosts publish.
// https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/githubs-ssh-key-fingerprints
// https://docs.gitlab.com/user/gitlab_com/#ssh-known_hosts-entries
// https://support.atlassian.com/bitbucket-cloud/docs/configure-ssh-and-two-step-verification/
var knownHosts = []string{
	"github.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
	"gitlab.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAfuCHKVTjquxvt6CM6tdG4SLp1Btn/nOeHHE5UOzRdf",
	"bitbucket.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIazEu89wgQZ4bqs3d63QSMzYVa0MuJ2e2gKTKqu+UUO",
}

// addSSHKeys gives the container SSH keys: as files that ssh's config names,
// and in an agent where the image has one.
// https://circleci.com/docs/reference/configuration-reference/#add-ssh-keys
func (j *job) addSSHKeys(ctx context.Context, s plan.Step, a plan.AddSSHKeys) (event.StepFinished, error) {
	keys, missing := j.runner.keysOf(a)
	forwarded := j.agent()
	if forwarded != nil {
		missing = slices.DeleteFunc(missing, forwarded.has)
		j.say("Your SSH agent can be used by the steps after this one, and signs for them while the job runs\n")
	}
	for _, fingerprint := range missing {
		j.say("The key %s was not given to this run: popsicle run --ssh-key %s=FILE\n", fingerprint, fingerprint)
	}
	if len(keys) == 0 && forwarded == nil {
		if len(missing) == 0 {
			j.say("No key was given to this run: popsicle run --ssh-key FILE\n")
		}
		j.runner.once(event.At{Pipeline: j.at.Pipeline}, fmt.Sprintf("%s: add_ssh_keys has no keys: popsicle run --ssh-key FILE gives it one", s.Pos))
		return event.StepFinished{Status: event.Skipped, Reason: "no keys: popsicle run --ssh-key FILE"}, nil
	}
	code, err := j.session.eval(ctx, installKeys(j.session.hello.Home, keys, forwarded != nil))
	end := event.StepFinished{Status: event.Success, ExitCode: code, HasExit: true}
	if code != 0 {
		end.Status = event.Failed
	}
	return end, err
}

// has says whether the agent has the key of a fingerprint.
func (a *Agent) has(wanted string) bool {
	return slices.ContainsFunc(a.Fingerprints, func(f string) bool { return fingerprint(f) == fingerprint(wanted) })
}

// keysOf are the keys that a step asks for, and what it asks for in vain.
func (r *Runner) keysOf(a plan.AddSSHKeys) (keys []SSHKey, missing []string) {
	if len(a.Fingerprints) == 0 {
		return r.Keys, nil
	}
	for _, wanted := range a.Fingerprints {
		i := slices.IndexFunc(r.Keys, func(k SSHKey) bool {
			return slices.ContainsFunc(k.Fingerprints, func(f string) bool { return fingerprint(f) == fingerprint(wanted) })
		})
		if i < 0 {
			missing = append(missing, wanted)
			continue
		}
		keys = append(keys, r.Keys[i])
	}
	return keys, missing
}

// fingerprint is one fingerprint in one form.
func fingerprint(s string) string {
	if rest, ok := strings.CutPrefix(s, "SHA256:"); ok {
		return "SHA256:" + strings.TrimRight(rest, "=")
	}
	return strings.ToLower(strings.TrimPrefix(s, "MD5:"))
}

// sshKeyFile is the name of a key's file in ~/.ssh.
func sshKeyFile(k SSHKey) string { return "id_rsa_" + strings.ReplaceAll(k.MD5, ":", "") }

// installKeys is the shell text that gives a home keys, and with forwarded the
// user's agent in place of one of the container's own. It writes them by the
// shell's own printf: no process has them among its arguments.
func installKeys(home string, keys []SSHKey, forwarded bool) string {
	dir := quote(home + "/.ssh")
	var b, files strings.Builder
	fmt.Fprintf(&b, "_mask=$(umask); umask 077; mkdir -p %s && {\n", dir)
	for _, k := range keys {
		name := sshKeyFile(k)
		file := quote(home + "/.ssh/" + name)
		files.WriteString(" " + file)
		fmt.Fprintf(&b, "printf '%%s\\n' %s >%s &&\n", quote(strings.TrimRight(k.PEM, "\r\n")), file)
		fmt.Fprintf(&b, "printf '%%s\\n' 'Host *' '  IdentityFile ~/.ssh/%s' >>%s/config &&\n", name, dir)
		fmt.Fprintf(&b, "echo %s &&\n", quote("Installed "+k.Fingerprints[0]+" as ~/.ssh/"+name))
	}
	for _, host := range knownHosts {
		fmt.Fprintf(&b, "printf '%%s\\n' %s >>%s/known_hosts &&\n", quote(host), dir)
	}
	if forwarded {
		b.WriteString("export SSH_AUTH_SOCK=" + agentSocket + "\n}\n")
		return b.String() + "_code=$?; umask \"$_mask\"; (exit $_code)"
	}
	// The agent stays after its shell, so nothing of the shell may stay with it.
	b.WriteString("if command -v ssh-agent >/dev/null && command -v ssh-add >/dev/null; then\n" +
		`[ "$SSH_AUTH_SOCK" ] || eval "$(ssh-agent -s </dev/null)" >/dev/null` + "\nexport SSH_AUTH_SOCK\n" +
		"ssh-add" + files.String() + " </dev/null 2>&1\nfi\n}\n")
	return b.String() + "_code=$?; umask \"$_mask\"; (exit $_code)"
}
