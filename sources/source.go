// Package sources says where records come from and how a record becomes
// events: one YAML file a source.
package sources

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// Source is one file of sources/.
type Source struct {
	Path     string // the file it came from, in the folder that was loaded
	Name     string
	Kafka    *Kafka // nil: not read from Kafka
	Framing  string // none
	Envelope string // cloudevents
}

// Kafka names the topics of a source.
type Kafka struct {
	// Topics are names, or patterns where one holds * (any run of characters)
	// or ? (one character); no topic's name can hold either.
	Topics []string
	// Start is where the very first run begins. Default: earliest.
	Start Start
}

// Start is where the first run of a partition begins.
type Start struct {
	Latest bool
	At     time.Time // zero: earliest, or latest where Latest is set
}

// Matches reports whether the source reads the topic. A topic that begins with
// "__" is Kafka's own and is read only where its very name is written.
func (s *Source) Matches(topic string) bool { return s.names(topic) || s.pattern(topic) != "" }

// names reports whether the topic's very name is written.
func (s *Source) names(topic string) bool {
	return s.Kafka != nil && slices.Contains(s.Kafka.Topics, topic)
}

// pattern returns the first pattern that matches the topic, or "".
func (s *Source) pattern(topic string) string {
	if s.Kafka == nil || strings.HasPrefix(topic, "__") {
		return ""
	}
	for _, p := range s.Kafka.Topics {
		// path.Match knows * and ? as they are meant here, since names hold no
		// slash and Load lets no bracket and no backslash into a pattern.
		if ok, err := path.Match(p, topic); isPattern(p) && err == nil && ok {
			return p
		}
	}
	return ""
}

func isPattern(topic string) bool { return strings.ContainsAny(topic, "*?") }

// Find returns the source that reads the topic, or nil when none does. The
// source that writes its very name goes before those whose patterns match it;
// patterns of two sources are an error that names both files.
func Find(list []*Source, topic string) (*Source, error) {
	for _, s := range list {
		if s.names(topic) {
			return s, nil
		}
	}
	var found *Source
	for _, s := range list {
		p := s.pattern(topic)
		switch {
		case p == "":
		case found == nil:
			found = s
		default:
			return nil, fmt.Errorf("topic %s matches %s of %s and %s of %s; narrow one of them, or write the topic's name into the one that shall read it",
				topic, found.pattern(topic), found.Path, p, s.Path)
		}
	}
	return found, nil
}
