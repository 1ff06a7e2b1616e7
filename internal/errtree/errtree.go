// Package errtree finds every error of one type in an error that was joined
// and wrapped, where errors.As stops at the first.
package errtree

// All returns every T that err holds or wraps, in its order. What a T wraps
// itself is not looked into.
func All[T error](err error) []T {
	switch e := err.(type) { //nolint:errorlint // the whole tree is walked here
	case T:
		return []T{e}
	case interface{ Unwrap() []error }:
		var list []T
		for _, inner := range e.Unwrap() {
			list = append(list, All[T](inner)...)
		}
		return list
	case interface{ Unwrap() error }:
		return All[T](e.Unwrap())
	}
	return nil
}
