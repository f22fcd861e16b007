package orb

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// A Registry is where published orbs are fetched from.
type Registry struct {
	URL    string // of the service, "https://circleci.com"
	Client *http.Client
}

// maxSource is how large an orb may be, in bytes.
const maxSource = 8 << 20

// query asks for one version of an orb. The registry resolves ranges (5.1, 5,
// volatile) to the newest version that fits.
const query = `query($ref: String!) { orbVersion(orbVersionRef: $ref) { version source } }`

// Fetch gets the exact version and the source of what a config calls an orb:
// a reference of the registry, or a URL.
func (r Registry) Fetch(ctx context.Context, ref string) (version string, source []byte, err error) {
	if IsURL(ref) {
		source, err = r.get(ctx, ref)
		return "url", source, err
	}
	body, err := json.Marshal(map[string]any{"query": query, "variables": map[string]string{"ref": ref}})
	if err != nil {
		return "", nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(r.URL, "/")+"/graphql-unstable", bytes.NewReader(body))
	if err != nil {
		return "", nil, fmt.Errorf("orb %s: %w", ref, err)
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := r.do(request)
	if err != nil {
		return "", nil, fmt.Errorf("orb %s: %w", ref, err)
	}
	return parseAnswer(ref, answer)
}

// parseAnswer reads what the registry says of an orb.
func parseAnswer(ref string, answer []byte) (string, []byte, error) {
	var a struct {
		Data struct {
			OrbVersion *struct{ Version, Source string }
		}
		Errors []struct{ Message string }
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		return "", nil, fmt.Errorf("orb %s: the registry's answer is no JSON: %w", ref, err)
	}
	switch v := a.Data.OrbVersion; {
	case len(a.Errors) > 0:
		return "", nil, fmt.Errorf("orb %s: the registry says: %s", ref, a.Errors[0].Message)
	case v == nil || v.Source == "":
		return "", nil, fmt.Errorf("orb %s: the registry does not know it: see that name and version are right, and that it is not private", ref)
	default:
		return v.Version, []byte(v.Source), nil
	}
}

func (r Registry) get(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("orb %s: %w", url, err)
	}
	source, err := r.do(request)
	if err != nil {
		return nil, fmt.Errorf("orb %s: %w", url, err)
	}
	return source, nil
}

func (r Registry) do(request *http.Request) ([]byte, error) {
	client := r.Client
	if client == nil {
		client = http.DefaultClient
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxSource+1))
	switch {
	case err != nil:
		return nil, err
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s answers %s", request.URL.Host, response.Status)
	case len(body) > maxSource:
		return nil, fmt.Errorf("it has more than %d bytes", maxSource)
	}
	return body, nil
}
