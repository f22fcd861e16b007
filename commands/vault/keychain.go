package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/zalando/go-keyring"
)

// Where says what keeps a value secret besides the mode of its file.
type Where string

// The places of secrets.
const (
	Auto     Where = "auto"     // the keychain, or the file where there is none
	Keychain Where = "keychain" // the keychain, or an error
	File     Where = "file"     // the file alone
)

// service is what the system's keychain shows beside the key.
const service = "popsicle"

// seal makes an entry of a value. A keychain holds little, and cannot be
// listed: it holds the key, and the file what the key opens.
func (v *Vault) seal(s Shelf, name, value string) (entry, error) {
	if v.Use == File {
		return entry{Value: value}, nil
	}
	key, err := v.key(true)
	if err != nil && v.Use != Keychain {
		return entry{Value: value}, nil // no keychain here
	}
	if err != nil {
		return entry{}, fmt.Errorf("keychain: %w", err)
	}
	box := sealer(key)
	nonce := make([]byte, box.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	return entry{Sealed: box.Seal(nonce, nonce, []byte(value), place(s, name))}, nil
}

// open gives the value of an entry.
func (v *Vault) open(s Shelf, name string, e entry) (string, error) {
	if len(e.Sealed) == 0 {
		return e.Value, nil
	}
	key, err := v.key(false)
	if err != nil {
		return "", fmt.Errorf("it is sealed with a key of the keychain, which does not give it: unlock the keychain, or set the value again: %w", err)
	}
	box := sealer(key)
	if n := box.NonceSize(); len(e.Sealed) >= n {
		if text, err := box.Open(nil, e.Sealed[:n], e.Sealed[n:], place(s, name)); err == nil {
			return string(text), nil
		}
	}
	return "", errors.New("the keychain's key does not open it: set the value again")
}

// place binds what is sealed to where it stands: nobody can move it.
func place(s Shelf, name string) []byte {
	return []byte(strings.Join([]string{string(s.Kind), s.Name, name}, "\x00"))
}

// sealer seals with AES-GCM.
func sealer(key []byte) cipher.AEAD {
	block, _ := aes.NewCipher(key) // the key has 32 bytes
	box, _ := cipher.NewGCM(block)
	return box
}

// key is the vault's key in the keychain, made where there is none and it may
// be.
func (v *Vault) key(may bool) ([]byte, error) {
	text, err := keyring.Get(service, v.Dir)
	if errors.Is(err, keyring.ErrNotFound) && may {
		fresh := make([]byte, 32)
		_, _ = rand.Read(fresh) // never fails
		text = base64.StdEncoding.EncodeToString(fresh)
		err = keyring.Set(service, v.Dir, text)
	}
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("the entry %s of service %s is not popsicle's: remove it, and set the secrets again", v.Dir, service)
	}
	return key, nil
}
