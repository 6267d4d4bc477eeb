//go:build !testclock

package main

import "congvu/inspection"

// systemClock is the machine's.
func systemClock() inspection.Clock { return inspection.SystemClock{} }
