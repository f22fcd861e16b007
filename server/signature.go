package server

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"mime"
	"net"
	"net/http"
	"net/url"
)

// verify says whether one of the secrets has signed a body, as a Problem where
// none has.
// https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
func (h *Hooks) verify(r *http.Request, body []byte) error {
	given, err := signature(r.Header)
	if err == nil {
		if h.signed(given, body) {
			return nil
		}
		if text, ok := giteaForm(r.Header, body); ok && h.signed(given, text) {
			return nil
		}
		return &Problem{Status: http.StatusUnauthorized, Detail: "the signature is not made with the secret of this daemon"}
	}
	if h.Unsigned && given == "" && fromHere(r) {
		return nil
	}
	return err
}

// signed says whether a signature is that of one of the secrets.
func (h *Hooks) signed(given string, text []byte) bool {
	for _, secret := range h.Secrets() {
		if len(secret) > 0 && hmac.Equal([]byte(given), []byte(sign(secret, text))) {
			return true
		}
	}
	return false
}

// giteaForm returns what Gitea, Forgejo and Gogs sign of a form: its payload,
// where GitHub signs the form as it is sent. What nobody has signed yet is not
// parsed, only unescaped.
func giteaForm(header http.Header, body []byte) (text []byte, ok bool) {
	kind, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	escaped, ok := bytes.CutPrefix(body, []byte("payload="))
	theirs := header.Get("X-Gitea-Signature") + header.Get("X-Forgejo-Signature") + header.Get("X-Gogs-Signature")
	if theirs == "" || kind != formType || !ok || bytes.IndexByte(escaped, '&') >= 0 {
		return nil, false
	}
	payload, err := url.QueryUnescape(string(escaped))
	return []byte(payload), err == nil
}

// unsigned is the signature that Gitea sends where a webhook has no secret.
const unsigned = "sha256="

// signature returns the one signature of a delivery, in hex.
func signature(header http.Header) (string, error) {
	wrong := func(detail string) error { return &Problem{Status: http.StatusUnauthorized, Detail: detail} }
	for _, known := range []struct{ name, prefix string }{
		{"X-Hub-Signature-256", "sha256="}, {"X-Forgejo-Signature", ""}, {"X-Gitea-Signature", ""}, {"X-Gogs-Signature", ""},
	} {
		all := header.Values(known.name)
		switch {
		case len(all) == 0, len(all) == 1 && (all[0] == "" || all[0] == unsigned):
			continue
		case len(all) > 1:
			return all[0], wrong("there is more than one " + known.name)
		case len(all[0]) != len(known.prefix)+2*sha256.Size || all[0][:len(known.prefix)] != known.prefix:
			return all[0], wrong(known.name + " is no SHA-256 in hex")
		}
		return all[0][len(known.prefix):], nil
	}
	if old := header.Get("X-Hub-Signature"); old != "" && old != "sha1=" {
		return old, wrong("X-Hub-Signature is SHA-1 and proves nothing: X-Hub-Signature-256 is missing")
	}
	return "", wrong("X-Hub-Signature-256 is missing: give the webhook the secret that `popsicle daemon secret` prints")
}

// sign returns the signature of a body, in hex.
func sign(secret, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// fromHere says whether a request comes from this machine, and through no proxy.
func fromHere(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip"} {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	ip := net.ParseIP(peer(r))
	return ip != nil && ip.IsLoopback()
}
