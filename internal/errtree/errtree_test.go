package errtree

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

type numberError int

func (e numberError) Error() string { return fmt.Sprint(int(e)) }

type boxError struct{ inner error }

func (e *boxError) Error() string { return e.inner.Error() }
func (e *boxError) Unwrap() error { return e.inner }

func TestAll(t *testing.T) {
	t.Parallel()
	other := errors.New("other")
	for name, test := range map[string]struct {
		err  error
		want []numberError
	}{
		"nil":              {nil, nil},
		"none":             {fmt.Errorf("a: %w", other), nil},
		"itself":           {numberError(1), []numberError{1}},
		"wrapped":          {fmt.Errorf("a: %w", &boxError{numberError(1)}), []numberError{1}},
		"joined":           {errors.Join(numberError(2), other, nil, numberError(1)), []numberError{2, 1}},
		"several branches": {errors.Join(fmt.Errorf("%w, %w", numberError(3), numberError(3)), &boxError{errors.Join(numberError(4))}), []numberError{3, 3, 4}},
		"wraps nothing":    {&boxError{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := All[numberError](test.err); !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestAllStopsAtTheFirstOfABranch(t *testing.T) {
	t.Parallel()
	outer := &boxError{&boxError{numberError(1)}}
	if got := All[*boxError](outer); len(got) != 1 || got[0] != outer {
		t.Errorf("got %v", got)
	}
}
