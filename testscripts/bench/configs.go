package main

import (
	"fmt"
	"strings"
)

// popsicleConfig writes the jobs as CircleCI would have them.
func popsicleConfig(jobs []job) string {
	var b strings.Builder
	b.WriteString("version: 2.1\njobs:\n")
	for _, j := range jobs {
		fmt.Fprintf(&b, "  %s:\n    docker:\n      - image: %s\n    steps:\n", j.name, image)
		if j.checkout {
			b.WriteString("      - checkout\n")
		}
		for _, c := range j.commands {
			fmt.Fprintf(&b, "      - run: %s\n", quote(c))
		}
	}
	b.WriteString("workflows:\n  main:\n    jobs:\n")
	for _, j := range jobs {
		fmt.Fprintf(&b, "      - %s:\n          requires: [%s]\n", j.name, strings.Join(j.needs, ", "))
	}
	return b.String()
}

// actConfig writes them as GitHub's workflow syntax has them.
func actConfig(jobs []job) string {
	var b strings.Builder
	b.WriteString("on: push\njobs:\n")
	for _, j := range jobs {
		fmt.Fprintf(&b, "  %s:\n    runs-on: ubuntu-latest\n    needs: [%s]\n    defaults: {run: {shell: sh}}\n    steps:\n",
			j.name, strings.Join(j.needs, ", "))
		if j.checkout {
			b.WriteString("      - uses: actions/checkout@v4\n")
		}
		for _, c := range j.commands {
			fmt.Fprintf(&b, "      - run: %s\n", quote(c))
		}
	}
	return b.String()
}

// woodpeckerConfig writes them for woodpecker, where a step is a container:
// a single job with several commands becomes a container for each.
func woodpeckerConfig(jobs []job) string {
	var b strings.Builder
	b.WriteString("when: [{event: manual}]\nskip_clone: true\nsteps:\n")
	for _, j := range jobs {
		if len(jobs) > 1 {
			fmt.Fprintf(&b, "  %s:\n    image: %s\n    commands: [%s]\n    depends_on: [%s]\n",
				j.name, image, quote(strings.Join(j.commands, "; ")), strings.Join(j.needs, ", "))
			continue
		}
		for i, c := range j.commands {
			fmt.Fprintf(&b, "  s%02d:\n    image: %s\n    commands: [%s]\n", i, image, quote(c))
		}
	}
	return b.String()
}

// quote writes a YAML scalar in single quotes.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
