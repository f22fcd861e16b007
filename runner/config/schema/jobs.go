package schema

// fleet is why keys about CircleCI's machines have no effect.
const fleet = "jobs run with what this machine has"

func (l *Language) image() *Type {
	pair := func(doc string, names ...string) *Type {
		t := &Type{Name: "a map", Doc: doc}
		for _, n := range names {
			t.Keys = append(t.Keys, Key{Name: n, Doc: doc, Type: text(), Required: true})
		}
		return t
	}
	command := wordOrList("a string or a list of strings")
	command.Scalars |= Null
	aws := pair("How to log in to AWS ECR.", "aws_access_key_id", "aws_secret_access_key", "oidc_role_arn")
	for i := range aws.Keys {
		aws.Keys[i].Required = false
		if aws.Keys[i].Name == "oidc_role_arn" {
			aws.Keys[i].Ignored = "there is no OIDC token outside of CircleCI; without keys the engine's own login is used"
		}
	}
	return &Type{Name: "a map with the key image", Keys: []Key{
		{Name: "image", Doc: "The image. The first of the list is the one the steps run in.", Type: text(), Required: true},
		{Name: "name", Doc: "A host name for this container, next to localhost.", Type: text()},
		{Name: "entrypoint", Doc: "Replaces the image's entrypoint.", Type: command},
		{Name: "command", Doc: "The arguments of the entrypoint.", Type: command},
		{Name: "user", Doc: "Who runs the container.", Type: text()},
		{Name: "environment", Doc: "Environment variables of this container.", Type: environment()},
		{Name: "auth", Doc: "How to log in to the registry; $NAMES of contexts are filled in.", Type: pair("How to log in.", "username", "password")},
		{Name: "aws_auth", Doc: "How to log in to AWS ECR; $NAMES are filled in.", Type: aws, Limits: "by the aws command line, which has to be on the PATH"},
		{Name: "gcp_auth", Doc: "How to log in to Google's registry by OIDC.",
			Type:    pair("OIDC names of Google Cloud.", "oidc_service_account", "workload_identity_pool", "workload_identity_provider"),
			Ignored: "there is no OIDC token outside of CircleCI; the engine's own login is used"},
	}}
}

// runnable are the keys that jobs and executors share.
func (l *Language) runnable() []Key {
	machine := &Type{Name: "true, an image, or a map", Scalars: Word, Keys: []Key{
		{Name: "image", Doc: "The image of the virtual machine.", Type: text(), Limits: "machine images exist on CircleCI alone: --machine-image names a Docker image for all"},
		{Name: "enabled", Doc: "Old form of machine: true.", Type: text(), Deprecated: "image"},
		{Name: "docker_layer_caching", Doc: "Keep image layers between jobs.", Type: boolean(), Ignored: "the local engine keeps its layers anyway"},
		{Name: "resource_class", Doc: "The size of the machine.", Type: text(), Ignored: fleet},
		{Name: "shell", Doc: "The shell of the job.", Type: wordOrList("a command line, or a list of its words")},
	}}
	macos := &Type{Name: "a map with the key xcode", Keys: []Key{
		{Name: "xcode", Doc: "The version of Xcode.", Type: text(), Required: true},
		{Name: "code_signing", Doc: "Signing keys.", Type: anything(), Ignored: "signing bundles exist on CircleCI's machines alone"},
		{Name: "resource_class", Doc: "The size of the machine.", Type: text(), Ignored: fleet},
		{Name: "shell", Doc: "The shell of the job.", Type: wordOrList("a command line, or a list of its words")},
	}}
	images := listOf(l.Image, "a list of images")
	images.NonZero = true
	return []Key{
		{Name: "docker", Doc: "The containers; the steps run in the first.", Type: images},
		{Name: "machine", Doc: "A virtual machine.", Type: machine, Limits: "runs in a privileged container of --machine-image, with a Docker engine of its own where that image has dockerd; with --allow-host on this host itself"},
		{Name: "macos", Doc: "A machine with macOS.", Type: macos, Limits: "on a Mac with --allow-host, on that Mac itself, whatever Xcode it has; elsewhere such a job is reported as not run"},
		{Name: "windows", Doc: "A machine with Windows.", Type: anything(), Ignored: "there is no Windows here"},
		{Name: "environment", Doc: "Environment variables of all steps.", Type: environment()},
		{Name: "shell", Doc: "The shell of all run steps, as a command line.", Type: wordOrList("a command line, or a list of its words")},
		{Name: "working_directory", Doc: "Where the steps run. Default: ~/project.", Type: text()},
		{Name: "resource_class", Doc: "The size of the machine.", Type: text(), Limits: "with --limits alone, for the job and for each of its services; without it " + fleet},
		{Name: "description", Doc: "For people.", Type: nullable(text())},
	}
}

func (l *Language) job() *Type {
	keys := append(l.runnable(),
		Key{Name: "executor", Doc: "An executor by name, or a map of its name and its parameters.", Type: executorRef()},
		Key{Name: "steps", Doc: "The steps, taken one after the other.", Type: l.Steps},
		Key{Name: "parameters", Doc: "What an invocation can or must give.", Type: mapOf(l.Parameter, "a map of parameters")},
		Key{Name: "parallelism", Doc: "How many containers run the same steps.", Type: count("a whole number of at least 1")},
		Key{Name: "type", Doc: "What kind of job this is. Default: build.", Type: enum("build", "release", "no-op", "approval", "lock", "unlock")},
		Key{Name: "retention", Doc: "How long CircleCI keeps caches.", Type: anything(), Ignored: "popsicle's caches are kept by their size"},
		Key{Name: "circleci_ip_ranges", Doc: "Run from fixed IP addresses.", Type: boolean(), Ignored: "jobs run from this machine's address"},
		Key{Name: "branches", Doc: "Filters from before workflows.", Type: anything(), Deprecated: "filters in the workflow", Ignored: "where there are workflows, their filters count"},
		Key{Name: "plan_name", Doc: "The plan of a release job.", Type: text(), Ignored: "releases are CircleCI's own"},
		Key{Name: "validation", Doc: "The validation of a release job.", Type: anything(), Ignored: "releases are CircleCI's own"},
		Key{Name: "key", Doc: "The key of a lock or unlock job.", Type: text()},
	)
	return &Type{Name: "a job", Scalars: Text, Doc: "A job: where it runs and its steps.", Keys: keys}
}

func executorRef() *Type {
	return &Type{Name: "the name of an executor, or a map with name and its parameters", Scalars: Word,
		Keys: []Key{{Name: "name", Doc: "The name of the executor.", Type: text(), Required: true}}, Open: anything()}
}

func (l *Language) executor() *Type {
	return &Type{Name: "an executor", Scalars: Text, Doc: "Where jobs run, to be used by name.", Keys: append(l.runnable(),
		Key{Name: "parameters", Doc: "What a job can or must give.", Type: mapOf(l.Parameter, "a map of parameters")},
	)}
}

func (l *Language) command() *Type {
	return &Type{Name: "a command", Scalars: Text, Doc: "Steps that jobs use by name.", Keys: []Key{
		{Name: "description", Doc: "For people.", Type: nullable(text())},
		{Name: "parameters", Doc: "What a step can or must give.", Type: mapOf(l.Parameter, "a map of parameters")},
		{Name: "steps", Doc: "The steps, taken one after the other.", Type: l.Steps, Required: true},
	}}
}

func (l *Language) parameter(types ...string) *Type {
	return &Type{Name: "a map with the key type", Keys: []Key{
		{Name: "type", Doc: "The type of the values.", Type: enum(types...), Required: true},
		{Name: "default", Doc: "The value if none is given; without it one must be.", Type: anything()},
		{Name: "description", Doc: "For people.", Type: nullable(text())},
		{Name: "enum", Doc: "The values of an enum.", Type: listOf(text(), "a list of strings")},
	}}
}
