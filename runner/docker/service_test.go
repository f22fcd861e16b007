package docker

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/popsicle-ci/popsicle/testscripts/images"
)

// heard tells the first words of a service.
type heard struct {
	once sync.Once
	up   chan struct{}
}

func (h *heard) Write(p []byte) (int, error) {
	h.once.Do(func() { close(h.up) })
	return len(p), nil
}

// What popsicle leaves to a will is removed when popsicle ends without a word,
// and only then.
func TestWill(t *testing.T) {
	image := images.Busybox(t)
	for _, died := range []bool{true, false} {
		cli, name := CLI{}, fmt.Sprintf("popsicle-test-will-%d-%v", os.Getpid(), died)
		will, err := cli.Bequeath(name)
		if err != nil {
			t.Fatal(err)
		}
		out := &heard{up: make(chan struct{})}
		s, err := cli.Serve(Spec{Name: name, Image: image, Entrypoint: []string{"sh", "-c", "echo up; exec sleep 300"}}, out)
		if err != nil {
			t.Fatal(err)
		}
		<-out.up
		if died {
			_ = will.stdin.Close() // as the kernel does
			_ = will.cmd.Wait()
		} else {
			will.Revoke()
			select {
			case <-s.done:
				t.Fatalf("the service ended with %d %v", s.code, s.err)
			default:
			}
			if err := cli.Remove(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
		if code, err := s.Wait(); err != nil || code != 137 {
			t.Errorf("died %v: the container ended with %d, %v", died, code, err)
		}
		if left, err := cli.output(t.Context(), "ps", "--all", "--quiet", "--filter", "name="+name); err != nil || left != "" {
			t.Errorf("died %v: left %q, %v", died, left, err)
		}
	}
}
