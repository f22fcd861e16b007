package schema

import "strings"

func (l *Language) workflow() *Type {
	invocations := listOf(&Type{
		Name: "the name of a job, or a map of one name to its keys", Scalars: Text, Open: l.Invocation, OneKey: true,
	}, "a list of jobs")
	return &Type{Name: "a workflow", Lax: true, Doc: "Jobs and the order between them.", Keys: []Key{
		{Name: "jobs", Doc: "The jobs.", Type: invocations, Required: true},
		{Name: "when", Doc: "The workflow runs only if this holds.", Type: l.Logic},
		{Name: "unless", Doc: "The workflow runs only if this does not hold.", Type: l.Logic},
		{Name: "max_auto_reruns", Doc: "How often a failed workflow is run again, 1 to 5.", Type: reruns()},
		{Name: "triggers", Doc: "Schedules. A workflow that has some does not run on push.", Type: triggers(), Deprecated: "scheduled pipelines"},
		{Name: "description", Doc: "For people.", Type: nullable(text())},
	}}
}

func triggers() *Type {
	schedule := &Type{Name: "a map with cron and filters", Keys: []Key{
		{Name: "cron", Doc: "When: minute, hour, day of month, month, day of week; UTC.", Type: text(), Required: true},
		{Name: "filters", Doc: "On which branches.", Type: filterMap()},
	}}
	return listOf(&Type{Name: "a map with the key schedule", Keys: []Key{
		{Name: "schedule", Doc: "One schedule.", Type: schedule, Required: true},
	}}, "a list of schedules")
}

func filterMap() *Type {
	patterns := nullable(wordOrList("a name, a /regular expression/, or a list of these"))
	one := &Type{Name: "a map with only or ignore", Scalars: Null, Keys: []Key{
		{Name: "only", Doc: "Only names that one of these matches as a whole.", Type: patterns},
		{Name: "ignore", Doc: "No names that one of these matches as a whole.", Type: patterns},
	}}
	return &Type{Name: "a map with branches or tags", Scalars: Null, Keys: []Key{
		{Name: "branches", Doc: "On which branches. Default: all.", Type: one},
		{Name: "tags", Doc: "On which tags. Default: none.", Type: one},
	}, Lax: true}
}

// filters are a map or an expression.
func filters() *Type {
	t := filterMap()
	t.Name, t.Scalars = "a map with branches or tags, or an expression", t.Scalars|Text|Bool|Int
	t.Doc = "On which branches and tags the job runs."
	return t
}

func requires() *Type {
	statuses := []string{"success", "failed", "canceled", "unauthorized", "not_run"}
	ended := &Type{Name: "a status or a list of statuses", Scalars: Text, Enum: append(statuses, "terminal"), Items: enum(statuses...)}
	t := listOf(&Type{Name: "the name of a job, or a map of it to statuses", Scalars: Word, Open: ended, OneKey: true}, "a list of jobs")
	t.Scalars = Text | Null
	return t
}

func (l *Language) invocation() *Type {
	matrix := &Type{Name: "a map with the key parameters", Keys: []Key{
		{Name: "parameters", Doc: "The values of each parameter; every combination is a job.", Type: mapOf(anything(), "a map of lists"), Required: true},
		{Name: "exclude", Doc: "Combinations to leave out.", Type: listOf(mapOf(anything(), "a map of parameters"), "a list of combinations")},
		{Name: "alias", Doc: "The name by which other jobs require all of them.", Type: text()},
	}}
	contexts := wordOrList("a context or a list of contexts")
	contexts.Scalars |= Null
	return &Type{Name: "a map", Doc: "How a workflow uses a job.", Scalars: Null, Keys: []Key{
		{Name: "requires", Doc: "Jobs that must have ended before.", Type: requires()},
		{Name: "name", Doc: "Another name for the job in this workflow.", Type: text()},
		{Name: "context", Doc: "Contexts whose variables the job gets.", Type: contexts},
		{Name: "type", Doc: "approval: wait for a person.", Type: enum("approval", "build", "no-op", "release")},
		{Name: "filters", Doc: "On which branches and tags the job runs.", Type: filters()},
		{Name: "matrix", Doc: "Run the job once for every combination of values.", Type: matrix},
		{Name: "pre-steps", Doc: "Steps before the job's own.", Type: l.Steps},
		{Name: "post-steps", Doc: "Steps after the job's own.", Type: l.Steps},
		{Name: "serial-group", Doc: "Jobs of one group never run at the same time, in no pipeline.", Type: serialGroup(),
			Limits: "on this machine, in no order: an older pipeline waits as well, and no wait is canceled"},
		{Name: "override-with", Doc: "A job that is run instead, if it exists.", Type: text()},
	}, Open: anything()}
}

func serialGroup() *Type {
	return &Type{Name: "a name of at most 512 letters, digits, and . _ - /", Scalars: Word, Check: func(s string) string {
		const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-"
		if s != "" && len(s) <= 512 && strings.Trim(s, allowed) == "" {
			return ""
		}
		return "it must be a name of at most 512 letters, digits, and . _ - /"
	}}
}

func (l *Language) group() *Type {
	return &Type{Name: "a job group", Doc: "Jobs that workflows use as one.", Keys: []Key{
		{Name: "jobs", Doc: "The jobs.", Type: l.Workflow.Key("jobs").Type, Required: true},
		{Name: "description", Doc: "For people.", Type: nullable(text())},
	}}
}
