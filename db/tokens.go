package db

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A Scope says what the bearer of a token may do.
type Scope string

// The scopes of a token: to write includes to read.
const (
	ScopeRead  Scope = "read"
	ScopeWrite Scope = "write"
)

// A Token is a key to the REST API, without the secret itself.
type Token struct {
	ID      int64
	Name    string
	Scope   Scope
	Created time.Time
	Expires time.Time // zero: never
	Used    time.Time // to the minute; zero: never yet
}

// tokenPrefix lets people and scanners recognise a token where it leaks.
const tokenPrefix = "popsicle_"

// ErrTaken is wrapped by the error about a name that exists already.
var ErrTaken = errors.New("exists already")

// NewToken makes a token and returns its secret, which is kept nowhere: the
// history holds its SHA-256. A slow hash like bcrypt protects secrets that
// people think up; this one has 256 random bits, which nobody guesses however
// fast the hash is, and every request has to be checked.
func (d *DB) NewToken(ctx context.Context, name string, scope Scope, expires time.Time) (secret string, err error) {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails, its documentation says
	secret = tokenPrefix + base64.RawURLEncoding.EncodeToString(random)
	hash := sha256.Sum256([]byte(secret))
	err = d.update(ctx, func(tx *sql.Tx) error {
		var there bool
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM tokens WHERE name = ?", name).Scan(&there); err != nil {
			return err
		}
		if there {
			return fmt.Errorf("token %q: %w", name, ErrTaken)
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO tokens (name, hash, scope, created_time, expires_time) VALUES (?, ?, ?, ?, ?)",
			name, hash[:], scope, moment(time.Now()), moment(expires))
		return err
	})
	return secret, err
}

// Tokens returns all tokens by their names.
func (d *DB) Tokens(ctx context.Context) ([]Token, error) {
	rows, err := d.read.QueryContext(ctx, "SELECT id, name, scope, created_time, expires_time, used_time FROM tokens ORDER BY name")
	if err != nil {
		return nil, d.wrap(err)
	}
	tokens, err := collect(rows, func(scan func(...any) error) (t Token, err error) {
		err = scan(&t.ID, &t.Name, &t.Scope, (*moment)(&t.Created), (*moment)(&t.Expires), (*moment)(&t.Used))
		return t, err
	})
	return tokens, d.wrap(err)
}

// RemoveToken forgets the token with this name, or says ErrNotFound.
func (d *DB) RemoveToken(ctx context.Context, name string) error {
	return d.update(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, "DELETE FROM tokens WHERE name = ?", name)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return fmt.Errorf("token %q: %w", name, ErrNotFound)
	})
}

// TokenOf returns the token with this secret, or ErrNotFound for one that is
// unknown or has expired. The secret is looked up by its hash, of which an
// attacker cannot choose a part, and compared in constant time.
func (d *DB) TokenOf(ctx context.Context, secret string) (t Token, err error) {
	unknown := fmt.Errorf("token: %w", ErrNotFound)
	if !strings.HasPrefix(secret, tokenPrefix) {
		return t, unknown
	}
	hash := sha256.Sum256([]byte(secret))
	var kept []byte
	err = d.read.QueryRowContext(ctx, "SELECT id, name, hash, scope, created_time, expires_time, used_time FROM tokens WHERE hash = ?", hash[:]).
		Scan(&t.ID, &t.Name, &kept, &t.Scope, (*moment)(&t.Created), (*moment)(&t.Expires), (*moment)(&t.Used))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Token{}, unknown
	case err != nil:
		return Token{}, d.wrap(err)
	case subtle.ConstantTimeCompare(kept, hash[:]) != 1, !t.Expires.IsZero() && !time.Now().Before(t.Expires):
		return Token{}, unknown
	}
	return t, nil
}

// TokenUsed notes that a token was used, once a minute at most.
func (d *DB) TokenUsed(ctx context.Context, t Token) error {
	now := time.Now()
	if now.Sub(t.Used) < time.Minute {
		return nil
	}
	return d.change(ctx, "UPDATE tokens SET used_time = ? WHERE id = ?", moment(now), t.ID)
}
