package config

import (
	"regexp"
	"time"

	"github.com/dlclark/regexp2"
)

// regexps compiles regular expressions that must match a text as a whole,
// each once.
type regexps struct {
	known    map[string]wholeRegexp
	timeouts int // so far
}

// A wholeRegexp is a compiled regular expression, or what is wrong with it.
type wholeRegexp struct {
	match func(string) bool
	err   error
}

// Bounds for expressions that only the slow engine understands, whose time
// can grow without end.
const (
	matchTime   = 50 * time.Millisecond // of one match
	maxTimeouts = 5                     // after these, none is tried any more
)

// whole compiles an expression. CircleCI has matched filters with Java's
// engine for years, so look-around, which RE2 lacks, is understood as well. What
// takes too long does not match.
func (x *regexps) whole(text string) (func(string) bool, error) {
	e, have := x.known[text]
	if !have {
		e.match, e.err = x.compile(text)
		if x.known == nil {
			x.known = map[string]wholeRegexp{}
		}
		x.known[text] = e
	}
	return e.match, e.err
}

func (x *regexps) compile(text string) (func(string) bool, error) {
	re, err := regexp.Compile(`\A(?:` + text + `)\z`)
	if err == nil {
		return re.MatchString, nil
	}
	slow, slowErr := regexp2.Compile(`\A(?:`+text+`)\z`, regexp2.None)
	if slowErr != nil {
		if _, plain := regexp.Compile(text); plain != nil {
			err = plain // without the anchors, which are not the writer's
		}
		return nil, err
	}
	slow.MatchTimeout = matchTime
	return func(s string) bool {
		if x.timeouts >= maxTimeouts {
			return false
		}
		ok, err := slow.MatchString(s)
		if err != nil {
			x.timeouts++
		}
		return ok && err == nil
	}, nil
}
