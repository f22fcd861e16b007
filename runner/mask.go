package runner

import (
	"slices"

	"github.com/popsicle-ci/popsicle/runner/plan"
)

// masked stands for a secret, as in CircleCI's own logs.
const masked = "****"

// A Mask knows the secrets of a run and takes them out of output: the one
// place that does. It knows a secret in its disguises as well, as when a step
// prints it in base64. The number of secrets costs next to nothing per byte,
// and a mask never changes once made.
type Mask struct {
	*automaton
	names []string // of the variables that hold the secrets, by owner
}

// NewMask returns a mask of the values that CircleCI would mask: those of at
// least four characters that are not true or false.
// https://circleci.com/docs/guides/security/env-vars/#secrets-masking
func NewMask(secrets []plan.Var) *Mask {
	m := &Mask{automaton: newAutomaton()}
	for _, v := range secrets {
		if !secret(v.Value) {
			continue
		}
		owner := slices.Index(m.names, v.Name) // a name in two contexts has two values
		if owner < 0 {
			owner = len(m.names)
			m.names = append(m.names, v.Name)
		}
		disguises(v.Value, func(pattern string) { m.add(pattern, int32(owner)) })
	}
	if !m.empty() {
		m.link()
	}
	return m
}

func secret(v string) bool {
	return len(v) >= shortest && v != "true" && v != "True" && v != "false" && v != "False"
}

// empty says that there are no secrets.
func (m *Mask) empty() bool { return len(m.states) == 1 }

// String returns s with every secret masked.
func (m *Mask) String(s string) string {
	if m.empty() {
		return s
	}
	var out []byte
	w := m.stream(func(p []byte) { out = append(out, p...) })
	w.Write([]byte(s))
	w.Flush()
	return string(out)
}

// A Scan looks for secrets in one file, without changing it.
type Scan struct {
	mask  *Mask
	at    int32
	found map[int32]bool // owners
}

// Scan begins to look through a file: write its bytes to it.
func (m *Mask) Scan() *Scan { return &Scan{mask: m, found: map[int32]bool{}} }

// Write takes the next piece of the file. It never fails.
func (s *Scan) Write(p []byte) (int, error) {
	if s.mask.empty() {
		return len(p), nil
	}
	m := s.mask.automaton
	begin := 0
	for i := 0; i < len(p); {
		if s.at == 0 {
			i += m.candidate(p[i:])
			if begin = i; i == len(p) {
				break
			}
		}
		s.at = m.next(s.at, p[i])
		i++
		st := &m.states[s.at]
		if st.match > 0 && !s.found[st.owner] {
			s.found[st.owner] = true
		}
		if open := int(st.open); open < shortest && i-open > begin {
			s.at, i = 0, i-open // no more than chance: back to the filter
		}
	}
	return len(p), nil
}

// Found lists the variables whose secrets the file holds, as they are or in a
// disguise.
func (s *Scan) Found() []string {
	var names []string
	for owner := range s.found {
		names = append(names, s.mask.names[owner])
	}
	slices.Sort(names)
	return names
}
