package schema

import "strconv"

func when() *Type {
	t := enum("always", "on_success", "on_fail")
	t.Doc = "When the step runs: on_success (default), on_fail or always."
	return t
}

func name(def string) Key {
	return Key{Name: "name", Doc: "The title of the step. Default: " + def + ".", Type: text()}
}

func condition() Key {
	return Key{Name: "when", Doc: "When the step runs: on_success (default), on_fail or always.", Type: when()}
}

// addSteps fills in the list of steps and its recursive parts.
func (l *Language) addSteps() {
	l.Step = &Type{
		Name: "a step: a name, or a map of one name to its arguments", Scalars: Text, Keys: l.builtins(), Open: anything(), First: true,
		Doc: "A built-in step or a command of this config or of an orb.",
	}
	l.Steps.Name, l.Steps.Items, l.Steps.Open = "a list of steps", l.Step, anything()
	l.Steps.Scalars = Text // one step without arguments
	l.Steps.Doc = "The steps, taken one after the other."
}

// builtins are the steps that need no definition.
func (l *Language) builtins() []Key {
	return []Key{
		{Name: "run", Doc: "Runs a command in a shell of its own.", Type: run()},
		{Name: "checkout", Doc: "Puts the tested source code into a directory.", Type: checkout()},
		{Name: "save_cache", Doc: "Keeps files under a key for later runs.", Type: saveCache()},
		{Name: "restore_cache", Doc: "Brings back the newest cache whose key begins with one of the keys.", Type: restoreCache()},
		{Name: "persist_to_workspace", Doc: "Hands files to the jobs that require this one.", Type: persist()},
		{Name: "attach_workspace", Doc: "Unpacks what the required jobs handed on.", Type: attach()},
		{Name: "store_artifacts", Doc: "Keeps files of the job where people find them.", Type: storeArtifacts()},
		{Name: "store_test_results", Doc: "Reads JUnit files into the history.", Type: storeTestResults()},
		{Name: "add_ssh_keys", Doc: "Gives the job SSH keys.", Type: addSSHKeys()},
		{Name: "setup_remote_docker", Doc: "Gives the job a Docker engine.", Type: remoteDocker()},
		{Name: "install_signing_bundle", Doc: "Installs signing keys on macOS.", Type: &Type{Name: "a map", Scalars: Null, Open: anything()},
			Ignored: "signing bundles exist on CircleCI's macOS machines alone"},
		{Name: "when", Doc: "Steps that are taken if a condition holds when the config is compiled.", Type: l.conditional()},
		{Name: "unless", Doc: "Steps that are taken if a condition does not hold when the config is compiled.", Type: l.conditional()},
		{Name: "steps", Doc: "The steps of a parameter of type steps, put in here.", Type: l.Steps},
		{Name: "deploy", Doc: "Like run; with parallelism only on the last container.", Type: run(), Deprecated: "run"},
	}
}

func (l *Language) conditional() *Type {
	return &Type{Name: "a map with condition and steps", Lax: true, Keys: []Key{
		{Name: "condition", Doc: "The condition: a value, a parameter or a logic statement.", Type: l.Logic, Required: true},
		{Name: "steps", Doc: "The steps that depend on it.", Type: l.Steps, Required: true},
	}}
}

func run() *Type {
	return &Type{Name: "a command, or a map with the key command", Lax: true, Scalars: Word, Keys: []Key{
		{Name: "command", Doc: "The command, run by the shell as a script.", Type: text(), Required: true},
		name("the command"),
		{Name: "shell", Doc: "The shell, as a command line. Default: the job's.", Type: wordOrList("a command line, or a list of its words")},
		{Name: "environment", Doc: "Environment variables of this step.", Type: environment()},
		{Name: "background", Doc: "Go on at once; the command is ended with the job.", Type: boolean()},
		{Name: "working_directory", Doc: "Where the command runs, relative to the job's.", Type: text()},
		{Name: "no_output_timeout", Doc: "How long the command may be silent. Default: 10m.", Type: duration()},
		condition(),
		{Name: "max_auto_reruns", Doc: "How often a failed command is tried again, 1 to 5.", Type: reruns()},
		{Name: "description", Doc: "For people.", Type: nullable(text())},
		{Name: "auto_rerun_delay", Doc: "The time between two tries, at most 10m.", Type: delay()},
	}}
}

// delay is whole seconds, or minutes up to ten.
func delay() *Type {
	return &Type{Name: "a time like 30s or 5m, at most 10m", Scalars: Text, Pattern: "^((10|[1-9])m|[1-9][0-9]*s)$", Check: func(s string) string {
		number, unit := s[:max(0, len(s)-1)], s[max(0, len(s)-1):]
		n, err := strconv.Atoi(number)
		if err == nil && n > 0 && number[0] != '0' && (unit == "m" && n <= 10 || unit == "s" && n <= 600) {
			return ""
		}
		return "it must be a time like 30s or 5m, at most 10m"
	}}
}

func reruns() *Type {
	return &Type{Name: "a whole number from 1 to 5", Scalars: Int, Min: 1, Pattern: "^[1-5]$", Check: func(s string) string {
		if len(s) == 1 && s <= "5" {
			return ""
		}
		return "it must be a whole number from 1 to 5"
	}}
}

func checkout() *Type {
	return &Type{Name: "a map", Lax: true, Scalars: Null, Keys: []Key{
		{Name: "path", Doc: "Where to put the files. Default: the working directory.", Type: text()},
		{Name: "method", Doc: "How CircleCI clones; popsicle has the files already.", Type: enum("blobless", "full", "shallow")},
		{Name: "depth", Doc: "The depth of a shallow clone.", Type: count("a whole number of at least 1")},
		name("Checkout code"), condition(),
	}}
}

func saveCache() *Type {
	return &Type{Name: "a map with key and paths", Lax: true, Keys: []Key{
		{Name: "paths", Doc: "The files and folders to keep; no patterns.", Type: wordOrList("a list of paths"), Required: true},
		{Name: "key", Doc: "The name of the cache, with {{ templates }}. A key is written once.", Type: text(), Required: true},
		name("Saving Cache"), condition(),
	}}
}

func restoreCache() *Type {
	return &Type{Name: "a map with key or keys", Lax: true, Keys: []Key{
		{Name: "key", Doc: "A key, or the beginning of one.", Type: text()},
		{Name: "keys", Doc: "Keys that are tried in order.", Type: wordOrList("a list of keys")},
		name("Restoring Cache"), condition(),
		{Name: "paths", Doc: "Has no meaning here.", Type: anything(), Ignored: "a cache is restored where it was saved from"},
	}}
}

func persist() *Type {
	return &Type{Name: "a map with root and paths", Lax: true, Keys: []Key{
		{Name: "root", Doc: "The folder the paths are in.", Type: text(), Required: true},
		{Name: "paths", Doc: "Files, folders and patterns in root.", Type: wordOrList("a list of paths"), Required: true},
		name("Persisting to Workspace"), condition(),
	}}
}

func attach() *Type {
	return &Type{Name: "a map with at", Lax: true, Keys: []Key{
		{Name: "at", Doc: "The folder to unpack into.", Type: text(), Required: true},
		name("Attaching Workspace"), condition(),
	}}
}

func storeArtifacts() *Type {
	return &Type{Name: "a map with path", Lax: true, Keys: []Key{
		{Name: "path", Doc: "The file or folder to keep.", Type: text(), Required: true},
		{Name: "destination", Doc: "What the path begins with among the artifacts.", Type: text()},
		name("Uploading Artifacts"), condition(),
	}}
}

func storeTestResults() *Type {
	return &Type{Name: "a map with path", Lax: true, Keys: []Key{
		{Name: "path", Doc: "A JUnit file, or a folder of them.", Type: text(), Required: true},
		name("Uploading Test Results"), condition(),
	}}
}

func addSSHKeys() *Type {
	return &Type{Name: "a map with fingerprints", Lax: true, Scalars: Null, Keys: []Key{
		{Name: "fingerprints", Doc: "Which keys. Default: all.", Type: wordOrList("a list of fingerprints")},
		name("Installing additional SSH keys"), condition(),
	}}
}

func remoteDocker() *Type {
	return &Type{Name: "a map", Lax: true, Scalars: Null, Keys: []Key{
		{Name: "docker_layer_caching", Doc: "Keep image layers between jobs.", Type: boolean(), Ignored: "the local engine keeps its layers anyway"},
		{Name: "prefer_same_region", Doc: "Where CircleCI places the engine.", Type: boolean(), Ignored: "the engine is the local one"},
		{Name: "version", Doc: "The version of the engine.", Type: nullable(text()), Ignored: "the engine is the local one"},
		{Name: "reusable", Doc: "Undocumented, from old configs.", Type: anything(), Ignored: "the engine is the local one"},
		{Name: "exclusive", Doc: "Undocumented, from old configs.", Type: anything(), Ignored: "the engine is the local one"},
		name("Setup a remote Docker engine"), condition(),
	}}
}
