//go:build !linux

package arenas

// Bound does nothing here.
func Bound() {}
