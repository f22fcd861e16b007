package runner

import "strings"

// A shim is a program of popsicle's that a job finds before those of its image.
type shim struct{ name, text string }

// shims are those of the job.
func (j *job) shims() []shim {
	var all []shim
	if j.plan.Setup != "" {
		all = append(all, shim{"curl", curlShim})
	}
	return all
}

// bashEnv is the command that writes the beginning of BASH_ENV, which bash
// reads after its profiles: these give a login shell a PATH without the shims.
func (j *job) bashEnv() string {
	folders := "$_bin"
	if len(j.shims()) > 0 {
		folders = j.programs() + ":" + folders
	}
	return `printf '%s\n' "shopt -q login_shell 2>/dev/null && PATH='` + folders + `':\$PATH || :"`
}

// install is the shell text that makes programs of shims, and puts them first
// on the PATH. The driver's own folder does not do: nothing can be executed
// in /dev/shm.
func install(dir string, shims []shim) string {
	if len(shims) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("mkdir -p " + quote(dir) + "\n")
	for _, s := range shims {
		file := quote(dir + "/" + s.name)
		b.WriteString("printf %s " + quote(s.text) + " >" + file + " && chmod 755 " + file + "\n")
	}
	b.WriteString("command export PATH=" + quote(dir) + `:"$PATH"` + "\n")
	return b.String()
}
