package main

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// keepWorks measure what is kept between jobs: they take minutes and run by
// name alone.
func (b *Bench) keepWorks() []Work {
	return []Work{b.cacheSave(), b.cacheRestore(), b.workspace(), b.artifacts(), b.nodes(), b.masking()}
}

// keepBar is how many times as long as tar and zstd popsicle may take, and
// keepMB how much memory it may have.
const (
	keepBar = 1.3
	keepMB  = 100
)

// data is an image with 1 GB in 50,000 files below /data, half of it random.
const data = "popsicle-test/bench-data"

const (
	dataFiles = 50_000
	dataSize  = 20 << 10
)

// makeData makes the image, if it is not there.
func makeData(ctx context.Context) error {
	if exec.CommandContext(ctx, "docker", "image", "inspect", data).Run() == nil {
		return nil
	}
	base, err := exec.CommandContext(ctx, "docker", "create", image).Output()
	if err != nil {
		return err
	}
	name := strings.TrimSpace(string(base))
	defer func() { _ = exec.Command("docker", "rm", "-f", name).Run() }() // a container of our own
	r, w := io.Pipe()
	cp := exec.CommandContext(ctx, "docker", "cp", "-", name+":/")
	cp.Stdin = r
	go func() { w.CloseWithError(writeData(w)) }()
	if out, err := cp.CombinedOutput(); err != nil {
		return fmt.Errorf("docker cp: %w: %s", err, out)
	}
	out, err := exec.CommandContext(ctx, "docker", "commit", "--change", "LABEL popsicle.test-image=bench", name, data).CombinedOutput()
	if err != nil {
		return fmt.Errorf("docker commit: %w: %s", err, out)
	}
	return nil
}

// writeData writes the files as a tar, the same every time.
func writeData(to io.Writer) error {
	t := tar.NewWriter(to)
	random := rand.NewChaCha8([32]byte{12})
	content := []byte(strings.Repeat("all work and no play ", dataSize/21+1)[:dataSize])
	for i := range dataFiles {
		_, _ = random.Read(content[:dataSize/2]) // never fails
		h := &tar.Header{Name: fmt.Sprintf("data/d%03d/f%05d", i/100, i), Mode: 0o644, Size: dataSize, ModTime: time.Unix(1, 0)}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		if _, err := t.Write(content); err != nil {
			return err
		}
	}
	return t.Close()
}

// keepRepos are the pipelines of these works, as files.
func keepRepos() map[string]string {
	const head = "version: 2.1\njobs:\n"
	job := func(name, image, steps string) string {
		return fmt.Sprintf("  %s:\n    docker: [{image: %s}]\n    steps:\n%s", name, image, steps)
	}
	wide := head + job("up", data, "      - persist_to_workspace: {root: /data, paths: ['d0*', 'd1*', 'd20*', 'd21*', 'd22*', 'd23*', 'd24*']}\n") +
		job("down", image, "      - attach_workspace: {at: /w}\n") + "workflows:\n  main:\n    jobs:\n      - up\n"
	for i := range 8 {
		wide += fmt.Sprintf("      - down: {name: d%d, requires: [up]}\n", i)
	}
	flow := func(name string) string { return "workflows: {main: {jobs: [" + name + "]}}\n" }
	return map[string]string{
		// One repository: a cache belongs to the project that saved it.
		"caches": head + job("save", data, "      - save_cache: {key: 'c-{{ epoch }}', paths: [/data]}\n") +
			job("restore", image, "      - restore_cache: {keys: ['c-']}\n") + flow("save, restore"),
		"workspace": wide,
		"artifacts": head + job("store", data, "      - store_artifacts: {path: /data}\n") + flow("store"),
		"nodes":     head + "  nodes:\n    parallelism: 20\n    docker: [{image: " + image + "}]\n    steps: [{run: 'true'}]\n" + flow("nodes"),
	}
}

// makeKeepRepos makes those repositories that are not there, and the data.
func (b *Bench) makeKeepRepos(ctx context.Context) error {
	for name, text := range keepRepos() {
		repo := filepath.Join(b.Dir, name)
		if _, err := os.Stat(filepath.Join(repo, ".git")); err == nil {
			continue
		}
		if err := write(filepath.Join(repo, ".popsicle/ci.yml"), []byte(text)); err != nil {
			return err
		}
		if err := commit(ctx, repo); err != nil {
			return err
		}
	}
	return makeData(ctx)
}

// packed is the file that the hand-written ways keep things in.
const packed = "../packed.tar.zst"

// keeping is one such work: popsicle beside tar and zstd.
func (b *Bench) keeping(name, about, repo, arguments, byHand string) Work {
	p := b.popsicleIn(repo, arguments)
	p.Bar, p.MaxMB = keepBar, keepMB
	w := Work{Name: name, About: about, Most: 2, Long: true, Cases: []Case{b.floor(repo, "docker run tar | zstd", byHand), p}}
	w.Cases[0].Before = b.makeKeepRepos
	return w
}

const (
	packByHand   = "docker run --rm " + data + " tar -cf - /data | zstd -q -T0 -3 -f -o " + packed
	unpackByHand = "zstd -q -dc " + packed + " | docker run --rm -i "
)

func (b *Bench) cacheSave() Work {
	return b.keeping("cache-save", "save_cache of 1 GB in 50,000 files, under a new key each time", "caches", "run save", packByHand)
}

func (b *Bench) cacheRestore() Work {
	w := b.keeping("cache-restore", "restore_cache of what cache-save has saved", "caches", "run restore", unpackByHand+image+" tar -xf - -C /")
	p := b.popsicleIn("caches", "run save")
	w.Cases[1].Check = contains("Restored")
	w.Cases[0].Before = func(ctx context.Context) error {
		if err := b.makeKeepRepos(ctx); err != nil {
			return err
		}
		hand := b.by("caches", "", packByHand+"; "+p.Command)
		_, err := hand.once(ctx)
		return err
	}
	return w
}

func (b *Bench) workspace() Work {
	up := "docker run --rm " + data + " sh -c 'cd /data; tar -cf - d0* d1* d20* d21* d22* d23* d24*' | zstd -q -T0 -3 -f -o ../ws.zst; "
	down := "for i in 1 2 3 4 5 6 7 8; do (zstd -q -dc ../ws.zst | docker run --rm -i " + image + " sh -c 'mkdir /w; tar -xf - -C /w') & done; wait"
	return b.keeping("workspace", "persist 500 MB in one job, attach it in eight", "workspace", "run", up+down)
}

func (b *Bench) artifacts() Work {
	return b.keeping("artifacts", "store_artifacts of 1 GB in 50,000 files", "artifacts", "run", packByHand)
}

func (b *Bench) nodes() Work {
	w := b.keeping("nodes", "a job on twenty nodes, four at a time", "nodes", "run --jobs 4", "seq 20 | xargs -P 4 -I{} docker run --rm "+image+" true")
	w.Cases[0].Label = "docker run, four at a time"
	return w
}

func (b *Bench) masking() Work {
	var secrets strings.Builder
	for i := range 50 {
		fmt.Fprintf(&secrets, " -e SECRET_%02d=s3cret-%02d-%x", i, i, uint64(i+1)*0x9e3779b97f4a7c15)
	}
	plain, masked := b.popsicleIn("chatty", "run"), b.popsicleIn("chatty", "run"+secrets.String())
	plain.Label, plain.Floor = "popsicle run, no secrets", true
	masked.Label, masked.Bar = "popsicle run, 50 secrets", 1.2
	return Work{Name: "mask", About: "a million lines of eighty bytes past fifty secrets", Most: 3, Long: true, Cases: []Case{plain, masked}}
}
