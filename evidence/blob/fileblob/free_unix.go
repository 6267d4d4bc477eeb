//go:build linux || darwin

package fileblob

import "golang.org/x/sys/unix"

// Free is the bytes that a program without privileges may still write to a folder.
func Free(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}
