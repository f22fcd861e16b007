package db

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/popsicle-ci/popsicle/runner/event"
)

// pushed is the delivery of a push of commit to a branch that is not the default.
func pushed(guid, commit string) Delivery {
	return Delivery{
		GUID: guid, Body: sha256.Sum256([]byte(guid)), Time: time.Now(), Event: "push", Repo: "acme/app", Ref: "refs/heads/topic", Commit: commit,
		Order: &Order{Repo: "acme/app", Trigger: "webhook", Event: "push", Ref: "refs/heads/topic", Branch: "topic", Commit: commit, Moving: true},
	}
}

func deliver(t *testing.T, d *DB, one Delivery) Receipt {
	t.Helper()
	r, err := d.Deliver(t.Context(), one)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestDeliverOnce(t *testing.T) {
	d := open(t)
	first := deliver(t, d, pushed("a", "c1"))
	if first.Outcome != OutcomeQueued || first.Pipeline != 1 || first.Duplicate {
		t.Fatalf("first: %+v", first)
	}
	if again := deliver(t, d, pushed("a", "c1")); !again.Duplicate || again.Pipeline != 1 {
		t.Errorf("the same guid: %+v", again)
	}
	replayed := pushed("b", "c1")
	replayed.Body = sha256.Sum256([]byte("a"))
	if again := deliver(t, d, replayed); !again.Duplicate || again.Pipeline != 1 {
		t.Errorf("the same body under another guid: %+v", again)
	}
	if all, err := d.Deliveries(t.Context(), DeliveryFilter{}); err != nil || len(all) != 1 {
		t.Errorf("%d deliveries are kept, %v", len(all), err)
	}
}

func TestDeliverMany(t *testing.T) {
	d := open(t)
	var all sync.WaitGroup
	for i := range 200 {
		for range 2 {
			all.Go(func() {
				one := pushed(fmt.Sprint(i), fmt.Sprint(i))
				one.Order.Moving = false
				if _, err := d.Deliver(t.Context(), one); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	waiting, err := d.Waiting(t.Context())
	if err != nil || len(waiting) != 200 {
		t.Fatalf("%d orders wait, %v", len(waiting), err)
	}
	seen := map[string]bool{}
	for _, o := range waiting {
		seen[o.Commit] = true
	}
	if len(seen) != 200 {
		t.Errorf("%d different commits wait", len(seen))
	}
}

func TestSupersede(t *testing.T) {
	d := open(t)
	deliver(t, d, pushed("a", "c1"))
	if ok, err := d.Claim(t.Context(), 1, "/lease"); !ok || err != nil {
		t.Fatal(ok, err)
	}
	deliver(t, d, pushed("b", "c2"))
	r := deliver(t, d, pushed("c", "c3"))
	if !slices.Equal(r.Stale, []int64{1}) {
		t.Errorf("stale: %v", r.Stale)
	}
	if p, _ := d.Pipeline(t.Context(), 2); p.Status != event.Canceled || p.Reason != "superseded by #3" {
		t.Errorf("the one that waited is %s: %s", p.Status, p.Reason)
	}
	gone := Delivery{GUID: "d", Time: time.Now(), Event: "push", Repo: "acme/app", Ref: "refs/heads/topic", Outcome: OutcomeIgnored, Reason: "topic was deleted", Ended: true}
	deliver(t, d, gone)
	if p, _ := d.Pipeline(t.Context(), 3); p.Status != event.Canceled || p.Reason != "topic was deleted" {
		t.Errorf("of a deleted branch: %s: %s", p.Status, p.Reason)
	}
}

func TestAPullRequestOfAPushedCommitRunsOnce(t *testing.T) {
	d := open(t)
	deliver(t, d, pushed("a", "c1"))
	opened := pushed("b", "c1")
	opened.Order.Event, opened.Order.Pull = "pull_request", &Pull{Number: 3}
	if r := deliver(t, d, opened); r.Outcome != OutcomeIgnored || r.Pipeline != 1 {
		t.Errorf("%+v", r)
	}
}

// TestAPushAfterItsPullRequest: forges send both at once, and in any order.
func TestAPushAfterItsPullRequest(t *testing.T) {
	d := open(t)
	deliver(t, d, pushed("a", "c1"))
	if ok, err := d.Claim(t.Context(), 1, "/lease"); !ok || err != nil {
		t.Fatal(ok, err)
	}
	deliver(t, d, pushed("b", "c2"))
	synchronized := pushed("c", "c3")
	synchronized.Order.Event, synchronized.Order.Ref, synchronized.Order.Pull = "pull_request", "refs/pull/3/head", &Pull{Number: 3}
	if r := deliver(t, d, synchronized); r.Outcome != OutcomeQueued || r.Pipeline != 3 {
		t.Fatalf("the pull request: %+v", r)
	}
	r := deliver(t, d, pushed("d", "c3"))
	if r.Outcome != OutcomeIgnored || r.Pipeline != 3 || r.Reason != "the pull request of c3 made pipeline #3" || !slices.Equal(r.Stale, []int64{1}) {
		t.Errorf("its push: %+v", r)
	}
	if p, _ := d.Pipeline(t.Context(), 2); p.Status != event.Canceled || p.Reason != "superseded by #3" {
		t.Errorf("the older push, which waited, is %s: %s", p.Status, p.Reason)
	}
	if p, _ := d.Pipeline(t.Context(), 3); p.Status != event.Queued {
		t.Errorf("the pipeline is %s", p.Status)
	}
	// A later push of the same commit is another one.
	if err := d.change(t.Context(), "UPDATE pipelines SET queued_time = ? WHERE id = 3", moment(time.Now().Add(-2*sameTime))); err != nil {
		t.Fatal(err)
	}
	if r := deliver(t, d, pushed("e", "c3")); r.Outcome != OutcomeQueued {
		t.Errorf("a later push: %+v", r)
	}
}

// TestAPullRequestThatIsToldTwice: Gitea opens one, and says at once that it is
// synchronized. What is approved then goes on.
func TestAPullRequestThatIsToldTwice(t *testing.T) {
	d := open(t)
	fork := func(guid, action, commit string) Delivery {
		one := pushed(guid, commit)
		one.Order.Action = action
		one.Order.Event, one.Order.Ref, one.Order.Hold, one.Order.Pull = "pull_request", "refs/pull/3/head", true, &Pull{Number: 3, Fork: true}
		return one
	}
	deliver(t, d, fork("a", "opened", "c1"))
	if r := deliver(t, d, fork("b", "synchronized", "c1")); r.Outcome != OutcomeIgnored || r.Pipeline != 1 || len(r.Stale) > 0 {
		t.Errorf("on hold: %+v", r)
	}
	if err := d.Approve(t.Context(), 1, "me"); err != nil {
		t.Fatal(err)
	}
	if r := deliver(t, d, fork("c", "synchronized", "c1")); r.Outcome != OutcomeIgnored || r.Pipeline != 1 {
		t.Errorf("approved: %+v", r)
	}
	if r := deliver(t, d, fork("d", "synchronized", "c2")); r.Outcome != OutcomeOnHold || r.Pipeline != 2 {
		t.Errorf("another commit: %+v", r)
	}
	if p, _ := d.Pipeline(t.Context(), 1); p.Status != event.Canceled {
		t.Errorf("the older one is %s", p.Status)
	}
	// Closed and opened again: the one that was ended does not count.
	closed := Delivery{GUID: "e", Time: time.Now(), Event: "pull_request", Repo: "acme/app", Ref: "refs/pull/3/head", Outcome: OutcomeIgnored, Reason: "closed", Ended: true}
	deliver(t, d, closed)
	if r := deliver(t, d, fork("f", "synchronized", "c2")); r.Outcome != OutcomeOnHold || r.Pipeline != 3 {
		t.Errorf("opened again: %+v", r)
	}
}

// TestAPushAfterThePullRequestOfAFork: a stranger's pipeline stands for none of ours.
func TestAPushAfterThePullRequestOfAFork(t *testing.T) {
	d := open(t)
	fork := pushed("a", "c1")
	fork.Order.Event, fork.Order.Ref, fork.Order.Hold, fork.Order.Pull = "pull_request", "refs/pull/3/head", true, &Pull{Number: 3, Fork: true}
	deliver(t, d, fork)
	if r := deliver(t, d, pushed("b", "c1")); r.Outcome != OutcomeQueued {
		t.Errorf("%+v", r)
	}
}

func TestHold(t *testing.T) {
	d := open(t)
	held := pushed("a", "c1")
	held.Order.Hold = true
	if r := deliver(t, d, held); r.Outcome != OutcomeOnHold {
		t.Fatalf("%+v", r)
	}
	if ok, err := d.Claim(t.Context(), 1, "/lease"); ok || err != nil {
		t.Errorf("one on hold was taken: %v", err)
	}
	if err := d.Approve(t.Context(), 1, "me"); err != nil {
		t.Fatal(err)
	}
	if err := d.Approve(t.Context(), 1, "me"); !errors.Is(err, ErrNotWaiting) {
		t.Errorf("approved twice: %v", err)
	}
	if ok, err := d.Claim(t.Context(), 1, "/lease"); !ok || err != nil {
		t.Errorf("an approved one was not taken: %v", err)
	}
}

// interruptAll plays the death of every process that runs something, and
// returns what runs again.
func interruptAll(t *testing.T, d *DB) []int64 {
	t.Helper()
	again, _ := interruptAgain(t, d)
	return again
}

// interruptAgain is interruptAll, and returns what is given up too.
func interruptAgain(t *testing.T, d *DB) (again, lost []int64) {
	t.Helper()
	if _, err := d.CloseAbandoned(t.Context(), func(lease string) bool { return lease == "" }); err != nil {
		t.Fatal(err)
	}
	again, lost, err := d.Requeue(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return again, lost
}

// die takes an order and begins to run it, as a process that dies then.
func die(t *testing.T, d *DB, id int64) {
	t.Helper()
	if ok, err := d.Claim(t.Context(), id, "/dead"); !ok || err != nil {
		t.Fatalf("#%d was not taken: %v", id, err)
	}
	if err := d.change(context.Background(), "UPDATE pipelines SET status = 'running', start_time = 1 WHERE id = ?", id); err != nil {
		t.Fatal(err)
	}
}

func TestWhatDiesRunsAgainOnce(t *testing.T) {
	d := open(t)
	deliver(t, d, pushed("a", "c1"))
	die(t, d, 1)
	if ids := interruptAll(t, d); !slices.Equal(ids, []int64{2}) {
		t.Fatalf("requeued: %v", ids)
	}
	if o, err := d.Order(t.Context(), 2); err != nil || o.Reuse != 1 || o.Crashes != 1 {
		t.Errorf("the order that runs again: %+v, %v", o, err)
	}
	if ids := interruptAll(t, d); ids != nil {
		t.Fatalf("requeued without a death: %v", ids)
	}
	die(t, d, 2)
	again, lost := interruptAgain(t, d)
	if again != nil || !slices.Equal(lost, []int64{2}) {
		t.Fatalf("requeued a second time: %v, given up: %v", again, lost)
	}
	if again, lost := interruptAgain(t, d); again != nil || lost != nil {
		t.Errorf("and once more: %v, %v", again, lost)
	}
}

func TestWhatHadNotBegunRunsInAnyCase(t *testing.T) {
	d := open(t)
	deliver(t, d, pushed("a", "c1"))
	for id := int64(1); id < 5; id++ {
		if ok, err := d.Claim(t.Context(), id, "/dead"); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if ids := interruptAll(t, d); !slices.Equal(ids, []int64{id + 1}) {
			t.Fatalf("requeued: %v", ids)
		}
	}
}

func TestRepos(t *testing.T) {
	d := open(t)
	for _, url := range []string{"https://a.example/acme/app", "https://b.example/acme/app"} {
		if err := d.PutRepo(t.Context(), Repo{Name: "acme/app", URL: url, Events: []string{"push"}}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := d.Repos(t.Context())
	if err != nil || len(all) != 1 || all[0].URL != "https://b.example/acme/app" || !slices.Equal(all[0].Events, []string{"push"}) {
		t.Errorf("%+v, %v", all, err)
	}
	if err := d.DeleteRepo(t.Context(), "ACME/app"); err != nil {
		t.Error(err)
	}
	if err := d.DeleteRepo(t.Context(), "acme/app"); !errors.Is(err, ErrNotFound) {
		t.Errorf("removed twice: %v", err)
	}
}
