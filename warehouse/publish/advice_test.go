package publish

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"
)

func TestAdvice(t *testing.T) {
	t.Parallel()
	for want, errs := range map[string][]error{
		"make room":    {syscall.ENOSPC, &fs.PathError{Op: "write", Path: "x", Err: syscall.EDQUOT}, errors.New(`IO Error: Could not write file "x": No space left on device`)},
		"for writing":  {syscall.EROFS, errors.New(`IO Error: Cannot open file "x": Read-only file system`)},
		"let the user": {syscall.EACCES, syscall.EPERM, errors.New(`IO Error: Cannot open file "x": Permission denied`)},
		"(no advice)":  {errors.New("Conversion Error: something else"), fs.ErrNotExist},
	} {
		for _, err := range errs {
			got := advice(fmt.Errorf("write: %w", err))
			if got == "" {
				got = "(no advice)"
			}
			if !strings.Contains(got, want) {
				t.Errorf("%v: %q, want %q", err, got, want)
			}
		}
	}
}
