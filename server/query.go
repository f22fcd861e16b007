package server

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/julienschmidt/httprouter"
)

// badRequest is the answer to a request that nobody can mean.
func badRequest(format string, args ...any) *Problem {
	return &Problem{Status: http.StatusBadRequest, Detail: fmt.Sprintf(format, args...)}
}

// checkQuery refuses a query that is no query, and names what is not among
// known: a filter that is misspelt must not answer with everything.
func checkQuery(raw string, known []string) error {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return badRequest("the query is not understood: %s", err)
	}
	var unknown []string
	for name, all := range values {
		switch {
		case !slices.Contains(known, name):
			unknown = append(unknown, strconv.Quote(name))
		case len(all) > 1:
			return badRequest("%s stands %d times in the query, and has one value", name, len(all))
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	slices.Sort(unknown)
	takes := "it takes none"
	if len(known) > 0 {
		takes = "it takes " + strings.Join(known, ", ")
	}
	return badRequest("no query parameter is named %s here: %s", strings.Join(unknown, ", "), takes)
}

// A query is the query of a request; the first mistake in it is kept.
type query struct {
	url.Values
	err error
}

func ask(r *http.Request) *query { return &query{Values: r.URL.Query()} }

// number returns a whole number between least and most; what stands in its
// place where the query has none.
func (q *query) number(name string, otherwise, least, most int64) int64 {
	text, there := q.Values[name]
	if !there {
		return otherwise
	}
	n, ok := digits(text[0])
	if !ok || n < least || n > most {
		q.fail("%s=%.40q: want a whole number from %d to %d", name, text[0], least, most)
		return otherwise
	}
	return n
}

// word returns one of some words, or "".
func (q *query) word(name string, words ...string) string {
	text := q.Get(name)
	if text != "" && !slices.Contains(words, text) {
		q.fail("%s=%.40q: want one of %s", name, text, strings.Join(words, ", "))
	}
	return text
}

// hash returns the first digits of a git hash, or "".
func (q *query) hash(name string) string {
	text := q.Get(name)
	hex := strings.Trim(text, "0123456789abcdef") == ""
	if text != "" && (!hex || len(text) < 4 || len(text) > 64) {
		q.fail("%s=%.80q: want 4 to 64 hexadecimal digits in lower case", name, text)
	}
	return text
}

// yes returns a truth.
func (q *query) yes(name string) bool { return q.word(name, "true", "false") == "true" }

func (q *query) fail(format string, args ...any) {
	if q.err == nil {
		q.err = badRequest(format, args...)
	}
}

// digits reads a number that is written in digits alone: no sign, no space.
func digits(text string) (int64, bool) {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}

// key reads the number in a path. What is no number names nothing.
func key(p httprouter.Params, name string) (int64, error) {
	n, ok := digits(p.ByName(name))
	if !ok || n == 0 {
		return 0, &Problem{Status: http.StatusNotFound, Detail: fmt.Sprintf("%.40q is not the number of a %s", p.ByName(name), name)}
	}
	return n, nil
}
