package commands

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/joho/godotenv"

	"github.com/popsicle-ci/popsicle/runner/plan"
)

// projectVars are the variables of --env-file and -e, which stand for the
// project's variables in CircleCI: their values are masked. -e wins, and the
// last of one name.
func projectVars(files, given []string) ([]plan.Var, error) {
	values := map[string]string{}
	for _, file := range files {
		read, err := godotenv.Read(file)
		if err != nil {
			return nil, usage("--env-file %s: %w", file, err)
		}
		maps.Copy(values, read)
	}
	for _, g := range given {
		name, value, ok := strings.Cut(g, "=")
		if !ok {
			if value, ok = os.LookupEnv(name); !ok {
				return nil, usage("-e %s: this variable is not set here: give it a value with -e %s=…", name, name)
			}
		}
		values[name] = value
	}
	vars := make([]plan.Var, 0, len(values))
	for name, value := range values {
		vars = append(vars, plan.Var{Name: name, Value: value})
	}
	slices.SortFunc(vars, func(a, b plan.Var) int { return cmp.Compare(a.Name, b.Name) })
	return vars, nil
}

// parameters reads -p name=value.
func parameters(given []string) (map[string]string, error) {
	return assignments("-p", "a pipeline parameter", given)
}

// assignments reads the name=value of a flag; of one name, the last counts.
func assignments(flag, what string, given []string) (map[string]string, error) {
	values := map[string]string{}
	for _, g := range given {
		name, value, ok := strings.Cut(g, "=")
		if !ok || name == "" {
			return nil, usage("%s %s: %s is given as name=value", flag, g, what)
		}
		values[name] = value
	}
	return values, nil
}

// platforms reads --platform, "linux/arm64" for all images or
// "image=linux/arm64" for one.
func platforms(given []string) (all string, by map[string]string, err error) {
	by = map[string]string{}
	for _, g := range given {
		image, platform, one := strings.Cut(g, "=")
		if !one {
			all, platform = g, g
		} else {
			by[image] = platform
		}
		if !strings.Contains(platform, "/") {
			return "", nil, fmt.Errorf("--platform %s: a platform is written os/architecture, such as linux/arm64", g)
		}
	}
	return all, by, nil
}

// setPlatforms reads --platform.
func (o *order) setPlatforms(given []string) (err error) {
	o.platformArg = given
	if o.platform, o.platforms, err = platforms(given); err != nil {
		return usageErr{err}
	}
	return nil
}
