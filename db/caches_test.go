package db

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func cacheAt(key string, minute int) Cache {
	at := clock.Add(time.Duration(minute) * time.Minute)
	return Cache{Project: "ada/tool", Key: key, Blob: "c" + key, Paths: []string{"~/.npm"}, Files: 2, Bytes: 3, Stored: 1, Job: "build", Created: at, Used: at}
}

func putCaches(t *testing.T, d *DB, caches ...Cache) {
	t.Helper()
	for _, c := range caches {
		if won, err := d.PutCache(t.Context(), c); !won || err != nil {
			t.Fatalf("%s: %v, %v", c.Key, won, err)
		}
	}
}

func TestNewestCache(t *testing.T) {
	d := open(t)
	other, fork := cacheAt("v1-z", 9), cacheAt("v1-y", 9)
	other.Project, fork.Scope = "eve/tool", "fork:eve/tool"
	putCaches(t, d, cacheAt("v1-a", 1), cacheAt("v1-b", 2), cacheAt("v1-", 0), cacheAt("v1_%", 3), cacheAt("V1-c", 4), other, fork)
	for prefix, want := range map[string]string{
		"v1-":   "v1-b", // newer than the one of exactly this key
		"v1-a":  "v1-a",
		"v1":    "v1_%",
		"v1_":   "v1_%", // no pattern
		"":      "V1-c",
		"v2":    "",
		"v1-aa": "",
	} {
		c, err := d.NewestCache(t.Context(), "ada/tool", "", prefix)
		if c.Key != want || (err == nil) != (want != "") || err != nil && !isNotFound(err) {
			t.Errorf("%q: %q, %v; want %q", prefix, c.Key, err, want)
		}
	}
	if c, err := d.NewestCache(t.Context(), "ada/tool", fork.Scope, "v"); err != nil || c.Key != "v1-y" {
		t.Errorf("in the scope of a fork: %q, %v", c.Key, err)
	}
	if _, err := d.CacheOf(t.Context(), "ada/tool", "", "v1"); !isNotFound(err) {
		t.Errorf("a prefix is no key: %v", err)
	}
}

func TestCachesAreWrittenOnce(t *testing.T) {
	path := open(t).Path()
	var won atomic.Int32
	var g sync.WaitGroup
	for i := range 8 {
		d := openAt(t, path) // as another process would
		g.Go(func() {
			c := cacheAt("key", i)
			if ok, err := d.PutCache(t.Context(), c); err != nil {
				t.Error(err)
			} else if ok {
				won.Add(1)
			}
		})
	}
	g.Wait()
	if won.Load() != 1 {
		t.Errorf("%d of 8 won", won.Load())
	}
	d := openAt(t, path)
	all, err := d.Caches(t.Context(), "")
	if err != nil || len(all) != 1 {
		t.Fatal(len(all), err)
	}
	want := cacheAt("key", 0)
	want.ID, want.Created, want.Used = all[0].ID, all[0].Created, all[0].Used
	same(t, all[0], want)
	if err := d.TouchCache(t.Context(), want.ID, clock.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if c, err := d.CacheOf(t.Context(), want.Project, "", "key"); err != nil || !c.Used.Equal(clock.Add(time.Hour)) {
		t.Errorf("used %v, %v", c.Used, err)
	}
	if err := d.DeleteCache(t.Context(), want.ID); err != nil {
		t.Fatal(err)
	}
	putCaches(t, d, cacheAt("key", 1)) // free again
}

func TestLayers(t *testing.T) {
	d := open(t)
	first, err := d.NewPipeline(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	second, err := d.NewPipeline(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	layer := func(job string, step int, blob string) Layer {
		return Layer{Pipeline: first, Workflow: "w", Job: job, Step: step, Blob: blob, Names: "n" + blob, Files: 1, Bytes: 2, Stored: 3, Created: clock, Used: clock}
	}
	for _, l := range []Layer{layer("b", 3, "b3"), layer("a", 5, "a5"), layer("a", 4, "gone"), layer("a", 4, "a4")} {
		if err := d.PutLayer(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.InheritLayers(t.Context(), first, second, "w", "a"); err != nil {
		t.Fatal(err)
	}
	for pipeline, want := range map[int64][]string{first: {"a4", "a5", "b3"}, second: {"a4", "a5"}} {
		var got []string
		layers, err := d.Layers(t.Context(), pipeline, "w", clock.Add(time.Hour))
		for _, l := range layers {
			got = append(got, l.Blob)
			if !l.Open {
				t.Error("the pipeline is not over")
			}
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("pipeline %d has %v, %v", pipeline, got, err)
		}
	}
	putCaches(t, d, cacheAt("key", 0))
	var ids []string
	for id, err := range d.Blobs(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	same(t, ids, []string{"a4", "a5", "b3", "ckey", "na4", "na5", "nb3"})
	all, err := d.AllLayers(t.Context())
	if err != nil || len(all) != 5 {
		t.Fatal(len(all), err)
	}
	if !all[0].Used.Equal(clock.Add(time.Hour)) {
		t.Errorf("used %v", all[0].Used)
	}
	if err := d.DeleteLayer(t.Context(), all[0].ID); err != nil {
		t.Fatal(err)
	}
}
