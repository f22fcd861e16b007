package schema

// build makes the table.
func build() *Language {
	l := &Language{Steps: &Type{}, Logic: &Type{}}
	l.addLogic()
	l.Image = l.image()
	l.addSteps()
	l.Parameter = l.parameter("string", "boolean", "integer", "enum", "executor", "steps", "env_var_name")
	l.Pipeline = l.parameter("string", "boolean", "integer", "enum")
	l.Job, l.Executor, l.Command = l.job(), l.executor(), l.command()
	l.Invocation = l.invocation()
	l.Workflow = l.workflow()
	l.Group = l.group()
	l.Orb, l.Config = l.orb(), l.config()
	return l
}

// addLogic fills in the conditions of workflows and steps.
func (l *Language) addLogic() {
	list := listOf(l.Logic, "a list of conditions")
	list.NonZero = true
	*l.Logic = Type{
		Name: "a value or a logic statement", Doc: "true, false, a value, an expression, or a logic statement.", Scalars: Word | Null, Open: anything(),
		Keys: []Key{
			{Name: "and", Doc: "All must hold.", Type: list},
			{Name: "or", Doc: "One must hold.", Type: list},
			{Name: "not", Doc: "It must not hold.", Type: l.Logic},
			{Name: "equal", Doc: "All must be the same.", Type: &Type{Name: "a list of values", Items: anything(), NonZero: true}},
			{Name: "matches", Doc: "A text must match a pattern as a whole.", Type: &Type{Name: "a map with pattern and value", Keys: []Key{
				{Name: "pattern", Doc: "A regular expression.", Type: text(), Required: true},
				{Name: "value", Doc: "The text.", Type: text(), Required: true},
			}}},
		},
	}
}

func (l *Language) elements() []Key {
	orb := &Type{Name: "a reference like circleci/node@5.1, or an inline orb", Scalars: Text, Open: anything()}
	return []Key{
		{Name: "orbs", Doc: "Orbs by the name they have in this file.", Type: nullable(mapOf(orb, "a map of orbs"))},
		{Name: "commands", Doc: "Steps to be used by name.", Type: nullable(mapOf(l.Command, "a map of commands"))},
		{Name: "executors", Doc: "Where jobs run, to be used by name.", Type: nullable(mapOf(l.Executor, "a map of executors"))},
		{Name: "jobs", Doc: "The jobs.", Type: nullable(mapOf(l.Job, "a map of jobs"))},
	}
}

func (l *Language) orb() *Type {
	return &Type{Name: "an orb", Doc: "Commands, executors and jobs to be used by others.", Keys: append(l.elements(),
		Key{Name: "version", Doc: "2.1", Type: text()},
		Key{Name: "description", Doc: "For people.", Type: nullable(text())},
		Key{Name: "display", Doc: "Links for the registry.", Type: anything()},
		Key{Name: "examples", Doc: "Examples for the registry.", Type: anything()},
	), Open: anything()}
}

func (l *Language) config() *Type {
	workflows := &Type{Name: "a map of workflows", Keys: []Key{
		{Name: "version", Doc: "2; only version 2 needs it.", Type: text()},
	}, Open: l.Workflow}
	return &Type{Name: "a config", Doc: "A CircleCI config as popsicle reads it.", Keys: append(l.elements(),
		Key{Name: "version", Doc: "The version of the language: 2.1, or 2.", Type: &Type{Name: "2 or 2.1", Scalars: Int | Float | Text, Enum: []string{"2", "2.0", "2.1"}}, Required: true},
		Key{Name: "setup", Doc: "This config makes the config that is really run.", Type: boolean()},
		Key{Name: "parameters", Doc: "The parameters of the pipeline.", Type: nullable(mapOf(l.Pipeline, "a map of parameters"))},
		Key{Name: "job-groups", Doc: "Jobs that workflows use as one.", Type: nullable(mapOf(l.Group, "a map of job groups"))},
		Key{Name: "workflows", Doc: "Jobs and the order between them.", Type: nullable(workflows)},
		Key{Name: "description", Doc: "For people.", Type: anything()},
		Key{Name: "experimental", Doc: "Old notification filters.", Type: anything(), Ignored: "popsicle sends no mail"},
	), Open: anything()}
}
