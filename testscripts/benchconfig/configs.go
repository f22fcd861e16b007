package main

import (
	"fmt"
	"strings"
)

// typicalConfig is a config as most projects have it: two jobs, a command, an
// executor, caches.
func typicalConfig() string {
	return `version: 2.1
executors:
  node:
    parameters: {tag: {type: string, default: "20.11"}}
    docker: [{image: "cimg/node:<< parameters.tag >>"}]
commands:
  install:
    steps:
      - restore_cache: {keys: ['deps-{{ checksum "package-lock.json" }}', deps-]}
      - run: npm ci
      - save_cache: {key: 'deps-{{ checksum "package-lock.json" }}', paths: [~/.npm]}
jobs:
  test:
    parameters: {tag: {type: string}}
    executor: {name: node, tag: << parameters.tag >>}
    steps: [checkout, install, {run: npm test}, {store_test_results: {path: reports}}]
  deploy:
    executor: node
    steps: [checkout, install, {run: npm run deploy}]
workflows:
  main:
    jobs:
      - test: {matrix: {parameters: {tag: ["18.19", "20.11", "22.3"]}}}
      - deploy: {requires: [test], filters: {branches: {only: main}}}
`
}

// oneSuite is one of its jobs.
const oneSuite = `  suite_%d:
    <<: *defaults
    parameters: {php: {type: string, default: "8.%d"}, arch: {type: enum, enum: [amd64, arm64], default: amd64}}
    executor: {name: runtime, tag: "<< parameters.php >>-<< parameters.arch >>"}
    parallelism: %d
    steps:
      - prepare: {target: suite_%d}
      - run:
          name: Run suite %d on << parameters.php >>
          command: |
            set -u
            for part in one two three; do
              echo "suite %d: $part of << parameters.php >> on << parameters.arch >>"
              make -j 4 "suite_%d_$part" ARGS="--seed << pipeline.number >>" || exit 1
            done
      - when:
          condition: {equal: [arm64, << parameters.arch >>]}
          steps: [run: make trim]
      - store_artifacts: {path: /tmp/artifacts/suite_%d}
`

// largeConfig is a config of 217 KB, the size of the largest that is known of:
// many jobs with long scripts, made by commands and anchors.
func largeConfig() string {
	const size = 217_000
	var jobs, uses strings.Builder
	uses.WriteString("      - suite_0\n")
	for i := 0; jobs.Len()+uses.Len() < size-1_500; i++ {
		fmt.Fprintf(&jobs, oneSuite, i, i%4, i%3+1, i, i, i, i, i)
		if i > 0 {
			fmt.Fprintf(&uses, "      - suite_%d: {requires: [suite_0], matrix: {parameters: {arch: [amd64, arm64]}}}\n", i)
		}
	}
	return `version: 2.1
x-defaults: &defaults
  working_directory: ~/app
  environment: {CI_CACHE: /tmp/cache, REPORT: /tmp/artifacts}
executors:
  runtime:
    parameters: {tag: {type: string}}
    docker: [{image: "example/php:<< parameters.tag >>"}, {image: "redis:7"}]
commands:
  prepare:
    parameters: {target: {type: string}}
    steps:
      - checkout
      - restore_cache: {keys: ["deps-<< parameters.target >>-{{ .Branch }}", deps-]}
      - run: make deps TARGET=<< parameters.target >>
jobs:
` + jobs.String() + "workflows:\n  build:\n    jobs:\n" + uses.String()
}

// manyJobs is a config of n jobs in a chain, each a use of one job with
// parameters, an executor and a command.
func manyJobs(n int) string {
	var b strings.Builder
	b.WriteString(`version: 2.1
executors:
  e: {parameters: {tag: {type: string}}, docker: [{image: "img:<< parameters.tag >>"}], environment: {A: "<< parameters.tag >>"}}
commands:
  c:
    parameters: {n: {type: integer}}
    steps: [{run: {name: "step << parameters.n >>", command: "make << parameters.n >>"}}]
jobs:
  j:
    parameters: {n: {type: integer}}
    executor: {name: e, tag: "<< parameters.n >>"}
    steps: [checkout, {c: {n: << parameters.n >>}}, {store_artifacts: {path: out}}]
workflows:
  w:
    jobs:
      - j: {name: j0, n: 0}
`)
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, "      - j: {name: j%d, n: %d, requires: [j%d]}\n", i, i, i-1)
	}
	return b.String()
}
