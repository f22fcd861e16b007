package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/popsicle-ci/popsicle/db"
	"github.com/popsicle-ci/popsicle/runner"
	"github.com/popsicle-ci/popsicle/runner/docker"
)

// The limits of kept containers.
const (
	atticMost = 5
	atticAge  = 3 * 24 * time.Hour
)

// An attic is where the containers of failed jobs are kept.
type attic struct{ *db.DB }

// put remembers one.
func (a attic) put(k runner.Kept) error {
	about, err := json.Marshal(k)
	if err == nil && k.Manifest != nil {
		file := a.manifest(k)
		err = errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, k.Manifest, 0o600))
	}
	if err != nil {
		return err
	}
	return a.PutKept(context.Background(), db.Kept{
		Pipeline: k.Pipeline, Workflow: k.Workflow, Job: k.Job, Node: k.Node, Engine: k.Engine, Image: k.Container, About: string(about), Created: k.Created,
	})
}

// about is what was remembered of one.
func about(k db.Kept) (out runner.Kept, err error) {
	if err = json.Unmarshal([]byte(k.About), &out); err != nil {
		err = fmt.Errorf("what is kept of job %s of #%d: %w", k.Job, k.Pipeline, err)
	}
	return out, err
}

// overdue lists what is beyond the limits on an engine.
func (a attic) overdue(ctx context.Context, engine string, most int, age time.Duration) ([]db.Kept, error) {
	all, err := a.AllKept(ctx)
	all = slices.DeleteFunc(all, func(k db.Kept) bool { return k.Engine != engine })
	var old []db.Kept
	for i, k := range all {
		if i >= most || time.Since(k.Created) > age {
			old = append(old, k)
		}
	}
	return old, err
}

// freeze makes an image of one that is a container, for which the caller's
// user has to wait.
func (a attic) freeze(ctx context.Context, cli docker.CLI, id int64, k *runner.Kept) error {
	if k.Image != "" {
		return nil
	}
	if err := k.Freeze(ctx, cli); err != nil {
		return err
	}
	about, err := json.Marshal(k)
	if err != nil {
		return err
	}
	return a.ChangeKept(ctx, id, k.Image, string(about))
}

// drop removes one from the engine, and forgets it. Volumes that another still
// needs stay.
func (a attic) drop(ctx context.Context, cli docker.CLI, k db.Kept) error {
	gone, err := about(k)
	if err != nil {
		return errors.Join(err, a.DeleteKept(ctx, k.ID))
	}
	if gone.Image != "" {
		err = cli.ImageRemove(ctx, gone.Image)
	} else {
		err = cli.Remove(ctx, gone.Container)
	}
	if err != nil {
		return err
	}
	others := a.needed(ctx, k.ID)
	for _, v := range gone.Volumes {
		if others[v] {
			continue
		}
		if err := cli.VolumeRemove(ctx, v); err != nil {
			return err
		}
	}
	_ = os.Remove(a.manifest(gone)) // a checkout may never have been there
	return a.DeleteKept(ctx, k.ID)
}

// manifest is the file with the list of a kept container's files.
func (a attic) manifest(k runner.Kept) string {
	return filepath.Join(filepath.Dir(a.Path()), "kept", k.Container)
}

// needed names the containers that are kept, but for one of them, and the
// volumes under them.
func (a attic) needed(ctx context.Context, but int64) map[string]bool {
	needed := map[string]bool{}
	all, _ := a.AllKept(ctx)
	for _, k := range all {
		if one, err := about(k); err == nil && k.ID != but {
			needed[one.Base], needed[one.Container] = true, true
			for _, v := range one.Volumes {
				needed[v] = true
			}
		}
	}
	return needed
}

// tidy removes what is beyond the limits, beside a run. What it cannot do, the
// next run tries again.
func (a attic) tidy(ctx context.Context, cli docker.CLI, engine string) {
	old, _ := a.overdue(ctx, engine, atticMost, atticAge)
	for _, k := range old {
		_ = a.drop(ctx, cli, k)
	}
}
