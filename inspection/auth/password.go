package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"congvu/inspection"

	"golang.org/x/crypto/argon2"
)

// The cost of a hash: OWASP's argon2id minimum, 19 MiB, two passes, one lane.
const (
	argonMemory = 19 * 1024
	argonTime   = 2
	argonLanes  = 1
	argonKey    = 32
	argonSalt   = 16
)

// MinPassword is the least number of characters of a password.
const MinPassword = 12

const maxPassword = 512 // bytes: a hash of megabytes would be an attack

// slots lets at most four hashes run at once in a process: 76 MiB in all.
var slots = make(chan struct{}, 4)

func withSlot(ctx context.Context, f func()) error {
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
		f()
		return nil
	case <-ctx.Done():
		return inspection.E(inspection.Unavailable, "auth.error.busy").Because(ctx.Err())
	}
}

// hashPassword makes the stored form of a password.
func hashPassword(ctx context.Context, password string) (string, error) {
	salt := make([]byte, argonSalt)
	if _, err := rand.Read(salt); err != nil {
		return "", err
	}
	var key []byte
	if err := withSlot(ctx, func() {
		key = argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonLanes, argonKey)
	}); err != nil {
		return "", err
	}
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes,
		b64.EncodeToString(salt), b64.EncodeToString(key)), nil
}

// nobody is a hash that no password has: what an unknown user name is compared with.
var nobody = fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes,
	base64.RawStdEncoding.EncodeToString(make([]byte, argonSalt)), base64.RawStdEncoding.EncodeToString(make([]byte, argonKey)))

// checkPassword tells whether a password fits a stored form.
func checkPassword(ctx context.Context, stored, password string) (bool, error) {
	parts := strings.Split(stored, "$")
	var version int
	var memory, passes uint32
	var lanes uint8
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, fmt.Errorf("auth: unknown form of a stored password")
	}
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &memory, &passes, &lanes); err != nil ||
		version != argon2.Version || memory > 1<<20 || passes > 10 || passes == 0 || lanes == 0 {
		return false, fmt.Errorf("auth: unknown cost of a stored password")
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(want) == 0 {
		return false, fmt.Errorf("auth: damaged stored password")
	}
	if len(password) > maxPassword {
		password = password[:maxPassword] + "\x00" // fits none, and takes as long
	}
	var got []byte
	if err := withSlot(ctx, func() {
		got = argon2.IDKey([]byte(password), salt, passes, memory, lanes, uint32(len(want)))
	}); err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

// common are passwords of twelve and more characters that are tried first, folded
// and without spaces.
var common = func() map[string]bool {
	m := map[string]bool{}
	for _, p := range strings.Fields(`
		123456789012 1234567890123 12345678901234 123456789123 123456123456 012345678910 0123456789abc 098765432109 987654321012
		112233445566 121212121212 123123123123 123412341234 147258369147 1q2w3e4r5t6y 1qaz2wsx3edc qwertyuiop12 qwertyuiop123
		qwerty123456 qwertyuiopas asdfghjkl123 zaq12wsxcde3 abcdefghijkl abcd12345678 abc123456789 aaaaaa111111
		password1234 password12345 password123456 passwordpassword p@ssw0rd1234 passw0rd1234 admin1234567 administrator
		administrator1 adminadminadmin welcome12345 iloveyou1234 changeme1234 letmein12345
		matkhau12345 matkhau123456 matkhaumatkhau matkhaucuatoi matkhaumoi123 khongcomatkhau vietnam12345 vietnam123456
		vietnamvodich hanoi1234567 saigon123456 congvu123456 kiemtracongvu congchuc1234 ubnd12345678 motcua123456
		anhyeuem1234 emyeuanh1234 toiyeuvietnam xinchao12345`) {
		m[plain(p)] = true
	}
	return m
}()

// plain is a password as the list of common ones sees it.
func plain(s string) string { return strings.ReplaceAll(inspection.Fold(s), " ", "") }

// CheckRule tells what is wrong with a new password: at least twelve characters,
// not (or only a little more than) the user name, not one of the very common ones.
// Code: invalid.
func CheckRule(username, password string) error {
	bad := func(key string) error {
		return inspection.E(inspection.Invalid, key, "min", MinPassword).Field("password", key)
	}
	n := utf8.RuneCountInString(password)
	first, _ := utf8.DecodeRuneInString(password)
	p, u := plain(password), plain(username)
	switch {
	case !utf8.ValidString(password) || len(password) > maxPassword:
		return bad("auth.error.password_too_long")
	case n < MinPassword:
		return bad("auth.error.password_short")
	case u != "" && strings.Contains(p, u) && len(p)-len(u) < 6:
		return bad("auth.error.password_username")
	case common[p] || strings.Trim(password, string(first)) == "":
		return bad("auth.error.password_common")
	}
	return nil
}

// letters are those that are not mistaken for each other.
const letters = "abcdefghjkmnpqrstuvwxyz23456789" // 31

// Generate makes a first password to hand over: 20 letters and digits in groups of
// five, without those that are mistaken for each other; 98 bits.
func Generate() string {
	var out strings.Builder
	buf := make([]byte, 1)
	for i := 0; i < 20; {
		if _, err := rand.Read(buf); err != nil {
			panic(err)
		}
		if int(buf[0]) >= 8*len(letters) { // no letter is likelier than another
			continue
		}
		if i > 0 && i%5 == 0 {
			out.WriteByte('-')
		}
		out.WriteByte(letters[int(buf[0])%len(letters)])
		i++
	}
	return out.String()
}
