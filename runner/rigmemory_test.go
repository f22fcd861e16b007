package runner

import (
	"sync"
)

// A remembered is a Memory for a test; forgetful, it keeps nothing.
type remembered struct {
	mu        sync.Mutex
	forgetful bool
	facts     map[string]Facts
	bases     []Base
}

func (m *remembered) Facts(image, user string) (Facts, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, ok := m.facts[image+" "+user]
	return f, ok
}

func (m *remembered) PutFacts(image, user string, f Facts) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.forgetful {
		m.facts[image+" "+user] = f
	}
}

func (m *remembered) Base(_, _ string, uid int) (Base, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := len(m.bases) - 1; i >= 0; i-- {
		if m.bases[i].UID == uid {
			return m.bases[i], true
		}
	}
	return Base{}, false
}

func (m *remembered) PutBase(b Base) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bases = append(m.bases, b)
}

func (m *remembered) DropBase(b Base) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var rest []Base
	for _, other := range m.bases {
		if other.Volume != b.Volume {
			rest = append(rest, other)
		}
	}
	m.bases = rest
}

func (m *remembered) UseBase(Base) {}

func (m *remembered) OldBases(string) []Base { return nil }

func (m *remembered) Small(string) bool { return false }

// volumes lists the bases that are remembered.
func (m *remembered) volumes() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for _, b := range m.bases {
		names = append(names, b.Volume)
	}
	return names
}
