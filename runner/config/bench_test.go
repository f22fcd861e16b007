package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/popsicle-ci/popsicle/runner/config"
)

// manyJobs is a config of n jobs, each a use of one parameterized job with
// commands, in a chain.
func manyJobs(n int) []byte {
	var b strings.Builder
	b.WriteString(`version: 2.1
executors:
  e: {parameters: {tag: {type: string}}, docker: [{image: "img:<< parameters.tag >>"}], environment: {A: "<< parameters.tag >>"}}
commands:
  c:
    parameters: {n: {type: integer}, s: {type: steps, default: []}}
    steps:
      - run: {name: "step << parameters.n >>", command: "make << parameters.n >>"}
      - when: {condition: << parameters.n >>, steps: [run: "echo one\necho two\n"]}
      - steps: << parameters.s >>
jobs:
  j:
    parameters: {n: {type: integer}}
    executor: {name: e, tag: "<< parameters.n >>"}
    steps: [checkout, {c: {n: << parameters.n >>, s: [{c: {n: 1}}]}}, {store_artifacts: {path: out}}]
workflows:
  w:
    jobs:
`)
	for i := range n {
		fmt.Fprintf(&b, "      - j: {name: j%d, n: %d", i, i)
		if i > 0 {
			fmt.Fprintf(&b, ", requires: [j%d]", i-1)
		}
		b.WriteString("}\n")
	}
	return []byte(b.String())
}

// BenchmarkCompile shows that the cost grows with the output and no faster:
// ns/job stays the same.
func BenchmarkCompile(b *testing.B) {
	for _, n := range []int{10, 100, 1_000, 10_000} {
		text := manyJobs(n)
		b.Run(fmt.Sprintf("jobs=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p, err := config.Compile([]config.Source{{Path: "bench.yml", Text: text}}, config.Options{Branch: "main"})
				if err != nil || len(p.Workflows[0].Jobs) != n {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/job")
		})
	}
}
