package runner

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/popsicle-ci/popsicle/runner/docker"
	"github.com/popsicle-ci/popsicle/runner/plan"
)

// reference is a variable in the text of an auth.
// https://circleci.com/docs/guides/execution-managed/private-images/
var reference = regexp.MustCompile(`\$(?:\w+|\{\w+\})`)

// fill puts the values of variables into a text. Those that nobody sets stay
// as they are, and the first of them is returned.
func fill(text string, vars []plan.Var) (filled, unset string) {
	filled = reference.ReplaceAllStringFunc(text, func(name string) string {
		for _, v := range vars {
			if v.Name == strings.Trim(name, "${}") {
				return v.Value
			}
		}
		unset = cmp.Or(unset, name)
		return name
	})
	return filled, unset
}

// filled is an auth with the variables of the job's contexts and the project,
// and the name of one that nobody sets.
func (r *Runner) filled(job *plan.Job, a plan.Auth) (full plan.Auth, unset string) {
	vars := r.secrets(job)
	for _, text := range []*string{&a.Username, &a.Password, &a.AWSAccessKeyID, &a.AWSSecretAccessKey} {
		var missing string
		*text, missing = fill(*text, vars)
		unset = cmp.Or(unset, missing)
	}
	return a, unset
}

// login is who pulls an image; nil: the user of the docker client.
func (r *Runner) login(ctx context.Context, job *plan.Job, image plan.Image) (*docker.Login, error) {
	if image.Auth == nil || *image.Auth == (plan.Auth{}) {
		return nil, nil
	}
	a, unset := r.filled(job, *image.Auth)
	if unset != "" {
		return nil, fmt.Errorf("%s: the auth of image %s names %s, which neither the project nor a context of job %s sets: popsicle context set NAME %s, or popsicle env set %[5]s",
			image.Pos, image.Name, unset, job.Name, strings.Trim(unset, "${}"))
	}
	if a.AWSAccessKeyID+a.AWSSecretAccessKey != "" {
		login, err := docker.ECRLogin(ctx, image.Name, a.AWSAccessKeyID, a.AWSSecretAccessKey)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", image.Pos, err)
		}
		return &login, nil
	}
	return &docker.Login{User: a.Username, Password: a.Password}, nil
}

// turnedAway says which variable to look at when a registry does not let in.
func turnedAway(err error, image plan.Image, login *docker.Login) error {
	if login == nil || !docker.Refused(err) {
		return err
	}
	names := reference.FindAllString(strings.Join([]string{image.Auth.Username, image.Auth.Password, image.Auth.AWSAccessKeyID, image.Auth.AWSSecretAccessKey}, " "), -1)
	check := cmp.Or(strings.Join(names, " and "), "its auth")
	return fmt.Errorf("%s: registry refused user %s for %s: check %s: %w", image.Pos, login.User, image.Name, check, err)
}

// Passwords are what the images of a plan are pulled with, where that stands
// in the config itself; where it names variables, these are masked.
func Passwords(p *plan.Pipeline) []plan.Var {
	var all []plan.Var
	add := func(name, value string) {
		if value != "" && !reference.MatchString(value) {
			all = append(all, plan.Var{Name: name, Value: value})
		}
	}
	for _, w := range p.Workflows {
		for _, job := range w.Jobs {
			for _, image := range job.Images {
				if image.Auth != nil {
					add("auth.password", image.Auth.Password)
					add("aws_secret_access_key", image.Auth.AWSSecretAccessKey)
				}
			}
		}
	}
	return all
}
