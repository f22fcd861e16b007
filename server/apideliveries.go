package server

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/julienschmidt/httprouter"

	"github.com/popsicle-ci/popsicle/db"
)

// A Delivery is a webhook that came with a right signature.
type Delivery struct {
	ID       int64   `json:"id"`
	GUID     string  `json:"guid"`
	Time     Instant `json:"time"`
	Event    string  `json:"event"`
	Action   string  `json:"action,omitempty"`
	Repo     string  `json:"repo,omitempty"`
	Ref      string  `json:"ref,omitempty"`
	Commit   string  `json:"commit,omitempty"`
	Outcome  string  `json:"outcome"`
	Reason   string  `json:"reason,omitempty"`
	Pipeline int64   `json:"pipeline,omitempty"` // what it led to
}

func newDelivery(d db.Delivery) Delivery {
	return Delivery{
		ID: d.ID, GUID: d.GUID, Time: Instant(d.Time), Event: d.Event, Action: d.Action, Repo: d.Repo, Ref: d.Ref,
		Commit: d.Commit, Outcome: string(d.Outcome), Reason: d.Reason, Pipeline: d.Pipeline,
	}
}

var (
	deliveryQuery = []string{"repo", "outcome", "cursor", "limit"}
	outcomes      = []string{string(db.OutcomeQueued), string(db.OutcomeOnHold), string(db.OutcomeIgnored), string(db.OutcomeRefused)}
)

// deliveries lists webhooks, newest first.
func (s *Server) deliveries(r *http.Request, _ httprouter.Params) (any, error) {
	q := ask(r)
	page := int(q.number("limit", pageSize, 1, largestPage))
	f := db.DeliveryFilter{Repo: q.Get("repo"), Outcome: db.Outcome(q.word("outcome", outcomes...)), Before: q.number("cursor", 0, 1, 1<<62), Limit: page + 1}
	if q.err != nil {
		return nil, q.err
	}
	found, err := s.History.Deliveries(r.Context(), f)
	if err != nil || len(found) <= page {
		return list(found, newDelivery), err
	}
	l := list(found[:page], newDelivery)
	l.Next = strconv.FormatInt(found[page-1].ID, 10)
	return l, nil
}

// An Asked says what a pipeline of the daemon was made for.
type Asked struct {
	Event    string `json:"event"`
	Action   string `json:"action,omitempty"`
	Ref      string `json:"ref"`
	Pull     int    `json:"pull,omitempty"` // number of the pull request
	Fork     bool   `json:"fork,omitempty"` // whose commit is in another repository
	Workflow string `json:"workflow,omitempty"`
	By       string `json:"by,omitempty"`
	Crashes  int    `json:"crashes,omitempty"`
}

// asked adds to a pipeline what it was made for, where the daemon made it.
func (s *Server) asked(ctx context.Context, p *Pipeline) error {
	o, err := s.History.Order(ctx, p.Number)
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	p.Order = &Asked{Event: o.Event, Action: o.Action, Ref: o.Ref, Workflow: o.Workflow, By: o.By, Crashes: o.Crashes}
	if o.Pull != nil {
		p.Order.Pull, p.Order.Fork = o.Pull.Number, o.Pull.Fork
	}
	return nil
}

// mostQueued is how many pipelines of each state the queue shows.
const mostQueued = 1000

// queue answers the pipelines that have not ended, those that wait last.
func (s *Server) queue(r *http.Request, _ httprouter.Params) (any, error) {
	l := List[Pipeline]{Items: []Pipeline{}}
	for _, f := range []db.PipelineFilter{{Status: "running"}, {Status: "on_hold"}, {Status: "queued"}} {
		f.Limit = mostQueued
		found, err := s.History.Pipelines(r.Context(), f)
		if err != nil {
			return nil, err
		}
		for i := range found { // oldest first
			p := NewPipeline(found[len(found)-1-i])
			if err := s.asked(r.Context(), &p); err != nil {
				return nil, err
			}
			l.Items = append(l.Items, p)
		}
	}
	return l, nil
}
