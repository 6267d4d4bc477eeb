//go:build !unix

package camera

import "os/exec"

// group leaves the program as it is: only systems of the Unix kind have groups to end.
func group(c *exec.Cmd) { c.Cancel = func() error { return c.Process.Kill() } }
