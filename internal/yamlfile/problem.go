package yamlfile

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/funnelhouse/funnelhouse/internal/errtree"
)

// Problem is a user's mistake in a file: where it is, what is wrong, and what
// to write instead. It is the only error that this package gives for a file's
// content.
type Problem struct { //nolint:errname // it is also shown and collected where nothing failed
	// Path is the file's path as it was given to Decode.
	Path string
	// Line and Column count from 1, Column in characters; 0: the whole file.
	Line, Column int
	// Field is the way to the value, for example
	// schema[0].properties[2].logicalType; empty: the document.
	Field string
	// Message says what is wrong, Fix what to do; Fix may be empty.
	Message, Fix string
}

// Error returns "path:line:column: field: message; fix", less what is empty.
func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.Path)
	if p.Line > 0 {
		b.WriteString(":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Column))
	}
	if p.Field != "" {
		b.WriteString(": " + p.Field)
	}
	b.WriteString(": " + p.Message)
	if p.Fix != "" {
		b.WriteString("; " + p.Fix)
	}
	return b.String()
}

// Problems returns every Problem that err holds or wraps, in its order. An
// error that is no Problem is left out.
func Problems(err error) []*Problem { return errtree.All[*Problem](err) }

// join returns the problems by their place in the file, or nil for none.
func join(list []*Problem) error {
	if len(list) == 0 {
		return nil
	}
	slices.SortStableFunc(list, func(a, b *Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	errs := make([]error, len(list))
	for i, p := range list {
		errs[i] = p
	}
	return errors.Join(errs...)
}
