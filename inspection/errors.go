package inspection

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Code says what kind of thing went wrong; package web alone turns it into an
// HTTP status.
type Code string

// The codes. What a person may not see is NotFound, never Forbidden.
const (
	Invalid         Code = "invalid"
	Unauthenticated Code = "unauthenticated"
	Forbidden       Code = "forbidden"
	NotFound        Code = "not_found"
	Conflict        Code = "conflict"
	TooLarge        Code = "too_large"
	Unavailable     Code = "unavailable"
	Full            Code = "full" // no room left to keep what was sent
	Internal        Code = "internal"
)

// Params fill the placeholders of a message.
type Params map[string]any

// Error is the one error type that crosses package borders. Key and the values
// of Fields are keys of the i18n catalogue; Err is the cause, for the log only.
type Error struct {
	Code   Code
	Key    string
	Params Params
	Fields map[string]string
	Err    error
}

// E makes an error of a code with the i18n key that explains it. Params come in
// pairs: name, value.
func E(code Code, key string, params ...any) *Error {
	e := &Error{Code: code, Key: key}
	for i := 0; i+1 < len(params); i += 2 {
		if e.Params == nil {
			e.Params = Params{}
		}
		e.Params[fmt.Sprint(params[i])] = params[i+1]
	}
	return e
}

// Because adds the cause, which is logged and never shown.
func (e *Error) Because(err error) *Error {
	e.Err = err
	return e
}

// Field adds what is wrong with one field of a form.
func (e *Error) Field(name, key string) *Error {
	if e.Fields == nil {
		e.Fields = map[string]string{}
	}
	e.Fields[name] = key
	return e
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", e.Code, e.Key)
	for _, k := range slices.Sorted(maps.Keys(e.Params)) {
		fmt.Fprintf(&b, " %s=%v", k, e.Params[k])
	}
	for _, k := range slices.Sorted(maps.Keys(e.Fields)) {
		fmt.Fprintf(&b, " %s:%s", k, e.Fields[k])
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// CodeOf is the code of an error: Internal for one that is not ours, empty for
// none.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// KeyOf is the i18n key of an error, empty where it has none.
func KeyOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Key
	}
	return ""
}
