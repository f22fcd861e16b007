package server

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/julienschmidt/httprouter"

	"github.com/popsicle-ci/popsicle/db"
)

// The size of a page of artifacts or tests. They are small and many.
const (
	keptPage        = 1000
	largestKeptPage = 10000
)

var artifactQuery = []string{"cursor", "limit"}

// An Artifact is a file that a job kept.
type Artifact struct {
	Job      int64  `json:"job"` // its id
	Workflow string `json:"workflow"`
	Name     string `json:"job_name"`
	Node     int    `json:"node"`
	Path     string `json:"path"`
	Size     int64  `json:"size"`
	URL      string `json:"url"` // where its bytes are, on this server
}

func newArtifact(a db.Artifact) Artifact {
	return Artifact{Job: a.JobID, Workflow: a.Workflow, Name: a.Job, Node: a.Node, Path: a.Path, Size: a.Size, URL: artifactURL(a)}
}

// artifactURL names the parts of the path one by one, so that a name may hold
// what means something in a URL.
func artifactURL(a db.Artifact) string {
	parts := strings.Split(a.Path, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return fmt.Sprintf("/api/v1/jobs/%d/artifacts/%s", a.JobID, strings.Join(parts, "/"))
}

// artifacts lists the files of a pipeline, in the order of its plan and then
// of their paths.
func (s *Server) artifacts(r *http.Request, p httprouter.Params) (any, error) {
	found, jobs, err := s.pipelineJobs(r.Context(), p)
	if err != nil {
		return nil, err
	}
	return s.listArtifacts(r, found.ID, jobs)
}

// jobArtifacts lists the files of one job.
func (s *Server) jobArtifacts(r *http.Request, p httprouter.Params) (any, error) {
	j, err := s.jobOf(r.Context(), p)
	if err != nil {
		return nil, err
	}
	return s.listArtifacts(r, j.PipelineID, []db.Job{j})
}

// listArtifacts answers a page of the artifacts of some jobs. The cursor is
// job and path of the last one seen: what a job adds moves nothing.
func (s *Server) listArtifacts(r *http.Request, pipeline int64, jobs []db.Job) (any, error) {
	q, rank := ask(r), ranks(jobs)
	limit, after := int(q.number("limit", keptPage, 1, largestKeptPage)), q.mark(rank)
	if q.err != nil {
		return nil, q.err
	}
	l := List[Artifact]{Items: []Artifact{}}
	for a, err := range s.History.Artifacts(r.Context(), pipeline) {
		if err != nil {
			return nil, err
		}
		at, wanted := rank[a.JobID]
		if !wanted || at < after.rank || at == after.rank && a.Path <= after.rest {
			continue
		}
		if len(l.Items) == limit {
			last := l.Items[limit-1]
			l.Next = fmt.Sprintf("%d/%s", last.Job, last.Path)
			break
		}
		l.Items = append(l.Items, newArtifact(a))
	}
	return l, nil
}

// ranks says which job comes when.
func ranks(jobs []db.Job) map[int64]int {
	rank := make(map[int64]int, len(jobs))
	for i, j := range jobs {
		rank[j.ID] = i
	}
	return rank
}

// A mark is how far a list over jobs was read: the rank of a job, and
// something within it.
type mark struct {
	rank int
	rest string
}

// mark reads a cursor, JOB/REST; without one it is before everything.
func (q *query) mark(rank map[int64]int) mark {
	text := q.Get("cursor")
	if text == "" {
		return mark{rank: -1}
	}
	job, rest, whole := strings.Cut(text, "/")
	id, ok := digits(job)
	at, known := rank[id]
	if !whole || !ok || !known {
		q.fail("cursor=%.80q: want the next of the page before", text)
	}
	return mark{at, rest}
}

// artifact answers the bytes of one file.
func (s *Server) artifact(r *http.Request, p httprouter.Params) (any, error) {
	j, err := s.jobOf(r.Context(), p)
	if err != nil {
		return nil, err
	}
	a, err := s.History.Artifact(r.Context(), j.ID, strings.TrimPrefix(p.ByName("path"), "/"))
	if err != nil {
		return nil, err
	}
	if s.Artifact == nil {
		return nil, notHere("give out artifacts")
	}
	content, err := s.Artifact(r.Context(), a)
	return &download{a, content}, err
}

// A download is a file on its way to who asked for it.
type download struct {
	db.Artifact
	content io.ReadSeekCloser
}

// inert are the types that a browser shows without running anything in them.
// What a job kept may come from anybody: HTML and SVG are saved, not shown, or
// they would act for whoever looks at them.
var inert = map[string]bool{"text/plain": true, "image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true}

// kindOf is the type that is said of a file, and whether it is shown.
func kindOf(name string) (kind, disposition string) {
	switch kind, _, _ = mime.ParseMediaType(mime.TypeByExtension(strings.ToLower(path.Ext(name)))); {
	case kind == "text/plain" || strings.EqualFold(path.Ext(name), ".log"):
		return "text/plain; charset=utf-8", "inline"
	case inert[kind]:
		return kind, "inline"
	}
	return "application/octet-stream", "attachment"
}

func (d *download) respond(w http.ResponseWriter, r *http.Request) (err error) {
	defer func() { err = errors.Join(err, d.content.Close()) }()
	kind, disposition := kindOf(d.Path)
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", disposition+"; filename*=UTF-8''"+escapeName(path.Base(d.Path)))
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "private, no-cache")
	h.Set("ETag", fmt.Sprintf(`"%.40s-%d-%d"`, d.Blob, d.Offset, d.Size))
	http.ServeContent(&patient{ResponseWriter: w}, r, "", time.Time{}, d.content)
	return nil
}

// escapeName writes a name as https://www.rfc-editor.org/rfc/rfc8187 wants it.
func escapeName(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		if c < 0x80 && (c == '.' || c == '-' || c == '_' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z') {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}
