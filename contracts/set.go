package contracts

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
)

// Set is every contract of a project. It doesn't change after Load.
type Set struct {
	all    []*Contract
	byName map[string]*Contract
}

// Load reads the contracts, which are the .yaml files at the root of files.
// What is wrong in any of them comes back as yamlfile.Problems, all joined; a
// Set without a contract is no error.
func Load(files fs.FS) (*Set, error) {
	list, misnamed, err := yamlfile.ReadFolder(files, ".", "contract")
	if err != nil {
		return nil, err
	}
	s := &Set{byName: map[string]*Contract{}}
	docs := map[*Contract]*yamlfile.Doc{}
	var problems []error
	for _, file := range list {
		c, doc, err := parse(file.Path, file.Data)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		s.all = append(s.all, c)
		s.byName[c.Name()] = c
		docs[c] = doc
	}
	slices.SortFunc(s.all, func(a, b *Contract) int {
		return cmp.Or(strings.Compare(a.Event, b.Event), cmp.Compare(a.Major, b.Major))
	})
	if err := errors.Join(slices.Concat(problems, misnamed, s.collisions(docs))...); err != nil {
		return nil, err
	}
	return s, nil
}

// collisions finds contracts that would share a table: a.b_c and a_b.c.
func (s *Set) collisions(docs map[*Contract]*yamlfile.Doc) []error {
	var problems []error
	first := map[string]*Contract{}
	for _, c := range s.all {
		other, ok := first[c.Table()]
		if !ok {
			first[c.Table()] = c
			continue
		}
		problems = append(problems, docs[c].Problem("id",
			fmt.Sprintf("%s and %s of %s would share the table raw.%s", c.Name(), other.Name(), other.Path, c.Table()),
			"name one of them otherwise"))
	}
	return problems
}

// Lookup returns the contract of an event type as it stands on the wire
// (lead.created.v1), or nil.
func (s *Set) Lookup(name string) *Contract { return s.byName[name] }

// Event returns the contracts of an event type without version (lead.created),
// by their majors ascending.
func (s *Set) Event(event string) []*Contract {
	var list []*Contract
	for _, c := range s.all {
		if c.Event == event {
			list = append(list, c)
		}
	}
	return list
}

// All returns every contract by event type and major. The slice is the
// caller's.
func (s *Set) All() []*Contract { return slices.Clone(s.all) }

// Names returns every event type as it stands on the wire, in the order of All.
func (s *Set) Names() []string {
	names := make([]string, len(s.all))
	for i, c := range s.all {
		names[i] = c.Name()
	}
	return names
}
