package gitops

import (
	"context"
	"strings"
)

// Version asks git for its version: "2.39.5".
func Version(ctx context.Context) (string, error) {
	out, err := git("", "version").output(ctx)
	if err != nil {
		return "", err
	}
	return strings.TrimPrefix(strings.TrimSpace(string(out)), "git version "), nil
}
