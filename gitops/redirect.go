package gitops

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport/client"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

// errRedirect is wrapped by the error about a server that sends a fetch to
// another one.
var errRedirect = errors.New("the server redirects to another one")

// mostHops is how often a server may redirect: a repository has new names, not many.
const mostHops = 5

// go-git keeps its transports by scheme, for the whole process. What a
// repository's address names is asked and no other server: the list of
// repositories, not a server, says where popsicle connects to. Nothing else
// than https, http and ssh is spoken: no file, no program.
func init() {
	only := githttp.NewClient(&http.Client{CheckRedirect: sameServer})
	client.InstallProtocol("https", only)
	client.InstallProtocol("http", only)
	client.InstallProtocol("file", nil)
	client.InstallProtocol("git", nil)
}

func sameServer(r *http.Request, via []*http.Request) error {
	from := via[0].URL
	if r.URL.Scheme != from.Scheme || !strings.EqualFold(r.URL.Host, from.Host) {
		return fmt.Errorf("%w: %s, from %s: popsicle daemon repo add OWNER/NAME --url gives it another address", errRedirect, r.URL.Host, from.Host)
	}
	if len(via) > mostHops {
		return fmt.Errorf("%s redirects more than %d times", from.Host, mostHops)
	}
	return nil
}
