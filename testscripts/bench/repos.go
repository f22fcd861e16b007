package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/popsicle-ci/popsicle/testscripts/images"
)

// image is what all jobs run in.
var image = strings.TrimSuffix(images.BusyboxImage.Name, ":latest")

// chatty prints a million lines of eighty bytes.
const chatty = `awk 'BEGIN{for(i=1;i<=1000000;i++)printf "line %07d the quick brown fox jumps over the lazy dog 0123456789 abcdefghijklm\n",i}'`

// countFiles is what is done in the large tree.
const countFiles = `find . -type f -not -path './.git/*' | wc -l`

// A job is one job of a repository's pipeline, for every tool's config alike.
type job struct {
	name     string
	commands []string
	needs    []string
	checkout bool
}

// repos are the repositories and their pipelines.
func repos() map[string][]job {
	fan := []job{{name: "first", commands: []string{"true"}}}
	var eight []string
	for i := range 8 {
		name := fmt.Sprintf("p%d", i)
		eight = append(eight, name)
		fan = append(fan, job{name: name, commands: []string{"true"}, needs: []string{"first"}})
	}
	fan = append(fan, job{name: "last", commands: []string{"true"}, needs: eight})
	var wide []job
	for _, name := range eight {
		wide = append(wide, job{name: name, commands: []string{countFiles}, checkout: true})
	}
	return map[string][]job{
		"tiny":      {{name: "tiny", commands: []string{"true"}}},
		"steps":     {{name: "steps", commands: strings.Split(strings.Repeat("true\n", 19)+"true", "\n")}},
		"fan":       fan,
		"chatty":    {{name: "chatty", commands: []string{chatty}}},
		"cancel":    {{name: "cancel", commands: []string{"sleep 300"}}},
		"big":       {{name: "big", commands: []string{countFiles}, checkout: true}},
		"wide":      wide,
		"wide-tiny": wide,
	}
}

// makeRepos makes those repositories that are not there.
func makeRepos(ctx context.Context, dir string) error {
	for name, jobs := range repos() {
		repo := filepath.Join(dir, name)
		if _, err := os.Stat(filepath.Join(repo, ".git")); err == nil {
			continue
		}
		files := map[string]string{
			".popsicle/ci.yml":         popsicleConfig(jobs),
			".github/workflows/ci.yml": actConfig(jobs),
			".woodpecker.yml":          woodpeckerConfig(jobs),
			"README.md":                "A repository to measure with.\n",
		}
		for file, text := range files {
			if err := write(filepath.Join(repo, file), []byte(text)); err != nil {
				return err
			}
		}
		if name == "big" || name == "wide" {
			if err := bigTree(repo); err != nil {
				return err
			}
		}
		if err := commit(ctx, repo); err != nil {
			return err
		}
	}
	return nil
}

// commit makes a repository of a folder.
func commit(ctx context.Context, repo string) error {
	const script = "git init --quiet --initial-branch main && git add . && " +
		"git -c user.name=bench -c user.email=bench@example.com commit --quiet --message bench"
	cmd := exec.CommandContext(ctx, "sh", "-c", script)
	cmd.Dir = repo
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", repo, err, out)
	}
	return nil
}

// bigTree writes 20,000 files of together 200 MB: many small ones and four
// large ones, the same every time.
func bigTree(repo string) error {
	random := rand.NewChaCha8([32]byte{11})
	sizes := rand.New(random)
	content := make([]byte, 30<<20)
	for i := range 200 {
		for k := range 100 {
			n := 300 + sizes.IntN(7700)
			_, _ = random.Read(content[:n]) // never fails
			name := fmt.Sprintf("src/pkg%02d/mod%03d/file%02d.dat", i/20, i, k)
			if err := write(filepath.Join(repo, name), content[:n]); err != nil {
				return err
			}
		}
	}
	for i := range 4 {
		_, _ = random.Read(content)
		if err := write(filepath.Join(repo, fmt.Sprintf("assets/blob%d.bin", i)), content); err != nil {
			return err
		}
	}
	return nil
}

func write(file string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o644)
}
