package auth

import (
	"crypto/hkdf"
	"crypto/sha256"

	"congvu/inspection"
)

// DeviceKey is the key under which a device keeps what its user has not sent yet: 32
// bytes, the same for the same person and device for ever, derived from the master key
// (HKDF-SHA-256, RFC 5869), so that a new password loses nothing. Everybody who is
// signed in may ask for their own. Code invalid for what is no id of a device.
func (s *Service) DeviceKey(actor inspection.Actor, device string) ([]byte, error) {
	if actor.Person == "" {
		return nil, inspection.E(inspection.Unauthenticated, "error.unauthenticated")
	}
	if err := inspection.CheckID(device); err != nil {
		return nil, err
	}
	return hkdf.Key(sha256.New, s.devices, []byte(actor.Person), "device "+device, 32)
}
