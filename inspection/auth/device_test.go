package auth_test

import (
	"bytes"
	"testing"

	"congvu/inspection"
	"congvu/inspection/auth"
)

// TestADeviceKeyIsOfOnePersonOnOneDevice: the same each time, of nobody else.
func TestADeviceKeyIsOfOnePersonOnOneDevice(t *testing.T) {
	s := auth.New(nil, inspection.SystemClock{}, auth.Config{Devices: bytes.Repeat([]byte{1}, 32)})
	other := auth.New(nil, inspection.SystemClock{}, auth.Config{Devices: bytes.Repeat([]byte{2}, 32)})
	a, b, tablet, phone := inspection.Actor{Person: inspection.NewID()}, inspection.Actor{Person: inspection.NewID()}, inspection.NewID(), inspection.NewID()
	key := func(s *auth.Service, a inspection.Actor, device string) string {
		k, err := s.DeviceKey(a, device)
		if err != nil || len(k) != 32 {
			t.Fatal(len(k), err)
		}
		return string(k)
	}
	if first, again := key(s, a, tablet), key(s, a, tablet); first != again {
		t.Error("another key each time")
	}
	all := map[string]bool{key(s, a, tablet): true, key(s, b, tablet): true, key(s, a, phone): true, key(other, a, tablet): true}
	if len(all) != 4 {
		t.Errorf("%d keys of four", len(all))
	}
	if _, err := s.DeviceKey(inspection.Actor{}, tablet); inspection.CodeOf(err) != inspection.Unauthenticated {
		t.Error(err)
	}
	if _, err := s.DeviceKey(a, "../x"); inspection.CodeOf(err) != inspection.Invalid {
		t.Error(err)
	}
}
