package ghstatus

import "github.com/cli/go-gh/v2/pkg/auth"

// Login says which host gh talks to by default, and from where the token for it
// comes, as gh itself finds it: the name of a variable, gh's config, or the
// system's keychain. It is empty where there is none. Nothing goes over the
// network: whether the host takes the token is not known.
func Login() (host, from string) {
	host, _ = auth.DefaultHost()
	token, source := auth.TokenForHost(host)
	switch {
	case token == "":
		return host, ""
	case source == "oauth_token":
		return host, "gh's hosts.yml"
	case source == "gh":
		return host, "the system's keychain, where gh put it"
	}
	return host, source
}
