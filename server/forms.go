package server

import (
	"fmt"
	"mime"
	"net/http"

	"github.com/julienschmidt/httprouter"
)

// The buttons of the pages are plain forms: they work without JavaScript. A
// form carries its token in a field, for a foreign page cannot know it; what a
// browser sends by itself, as a password for reading, allows nothing here. It
// is answered with the page to see next.

// forms are the routes that the forms of the pages are sent to.
func (s *Server) forms() []route {
	form := func(path string, do func(*http.Request, httprouter.Params) (string, error)) route {
		handle := func(r *http.Request, p httprouter.Params) (any, error) {
			next, err := do(r, p)
			return seeOther(next), err
		}
		return route{method: "POST", path: path, handle: handle, need: scopeWrite, body: bodySize, query: []string{}, form: true}
	}
	return []route{
		form("/pipelines/:pipeline/cancel", s.onPipeline(func(r *http.Request, number int64) (int64, error) { return number, s.end(r, number) })),
		form("/pipelines/:pipeline/approve", s.onPipeline(func(r *http.Request, number int64) (int64, error) { return number, s.letRun(r, number) })),
		form("/pipelines/:pipeline/rerun", s.onPipeline(func(r *http.Request, number int64) (int64, error) {
			return s.again(r, number, r.PostForm.Get("failed_only") == "true")
		})),
		form("/jobs/:job/approve", s.approveForm),
	}
}

// onPipeline does something with a pipeline that exists, and shows the one
// that it returns.
func (s *Server) onPipeline(do func(r *http.Request, number int64) (int64, error)) func(*http.Request, httprouter.Params) (string, error) {
	return func(r *http.Request, p httprouter.Params) (string, error) {
		number, err := s.numberOf(r, p)
		if err == nil {
			number, err = do(r, number)
		}
		return pipelinePath(number), err
	}
}

func pipelinePath(number int64) string { return fmt.Sprintf("/pipelines/%d", number) }

// approveForm answers an approval job.
func (s *Server) approveForm(r *http.Request, p httprouter.Params) (string, error) {
	id, err := key(p, "job")
	if err != nil {
		return "", err
	}
	said := r.PostForm.Get("approve")
	if said != "true" && said != "false" {
		return "", badRequest("approve has to be true or false")
	}
	j, _, err := s.answerJob(r, id, said == "true")
	return pipelinePath(j.PipelineID), err
}

// isForm says whether a request is what a form sends.
func isForm(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/x-www-form-urlencoded"
}

// readForm reads a form, and makes its token the one that the request has.
func readForm(r *http.Request) error {
	if !isForm(r) {
		return &Problem{Status: http.StatusUnsupportedMediaType, Detail: "this takes what the buttons of a page send: the API is at /api/v1"}
	}
	if err := r.ParseForm(); err != nil {
		return wrongBody(err)
	}
	r.Header.Del("Authorization")
	if token := r.PostForm.Get("token"); token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return nil
}

// seeOther is an answer that leads to a page of this server.
type seeOther string

func (to seeOther) respond(w http.ResponseWriter, _ *http.Request) error { //nolint:unparam // the interface has an error
	w.Header().Set("Location", string(to))
	w.WriteHeader(http.StatusSeeOther)
	return nil
}
