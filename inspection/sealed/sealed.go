// Package sealed encrypts small secrets that stand in a row of a table (AES-256-GCM, a
// random nonce each, base64). It owns no key and no table. A secret is sealed for the id of
// its row: in another's it opens nothing.
package sealed

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
)

func aead(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Seal encrypts a secret for the row of an id; the key has 32 bytes.
func Seal(key []byte, id string, raw []byte) (string, error) {
	a, err := aead(key)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(a.Seal(nil, nil, raw, []byte(id))), nil
}

// Open decrypts what Seal gave for the same key and id.
func Open(key []byte, id, kept string) ([]byte, error) {
	raw, err := base64.StdEncoding.DecodeString(kept)
	if err != nil {
		return nil, err
	}
	a, err := aead(key)
	if err != nil {
		return nil, err
	}
	return a.Open(nil, nil, raw, []byte(id))
}
