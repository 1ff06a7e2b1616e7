package sources

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
)

const onlyCloudEvents = "this version reads CloudEvents from Kafka only"

var (
	sourceName   = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`)
	topicName    = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)
	topicPattern = regexp.MustCompile(`^[a-zA-Z0-9._*?-]{1,249}$`)
)

// file is a source as it is written.
type file struct {
	Source   string     `yaml:"source" required:"true" doc:"Name of the source."`
	Kafka    *kafkaFile `yaml:"kafka" doc:"The topics that it reads."`
	Framing  framing    `yaml:"framing" doc:"What stands before the payload. Default: none."`
	Envelope envelope   `yaml:"envelope" doc:"How a record holds an event. Default: cloudevents."`
	Zone     later      `yaml:"zone" doc:"Not in this version."`
	Files    later      `yaml:"files" doc:"Not in this version."`
	HTTP     later      `yaml:"http" doc:"Not in this version."`
	Events   later      `yaml:"events" doc:"Not in this version."`
}

type kafkaFile struct {
	Topics []string `yaml:"topics" required:"true" doc:"Topic names, or patterns with * (any run of characters) and ? (one character). Topics that begin with __ are read only where their very name is written."`
	Start  string   `yaml:"start" doc:"Where the very first run begins: earliest, latest or an instant such as 2026-10-01T00:00:00+08:00. Default: earliest."`
}

// framing, envelope and later know the words of other versions, so that who
// writes one is told so and not that it is unknown.
type (
	framing  string
	envelope string
	later    struct{}
)

// UnmarshalYAML accepts none.
func (f *framing) UnmarshalYAML(decode func(any) error) error {
	return theWord((*string)(f), "none", decode)
}

// JSONSchema describes the words for editors.
func (framing) JSONSchema() map[string]any { return map[string]any{"enum": []string{"none"}} }

// UnmarshalYAML accepts cloudevents.
func (e *envelope) UnmarshalYAML(decode func(any) error) error {
	return theWord((*string)(e), "cloudevents", decode)
}

// JSONSchema describes the words for editors.
func (envelope) JSONSchema() map[string]any { return map[string]any{"enum": []string{"cloudevents"}} }

func theWord(s *string, want string, decode func(any) error) error {
	if err := decode(s); err != nil {
		return err
	}
	if *s != want {
		return &yamlfile.Problem{Message: fmt.Sprintf("%q: %s", *s, onlyCloudEvents), Fix: "write " + want}
	}
	return nil
}

// UnmarshalYAML refuses any value.
func (*later) UnmarshalYAML(func(any) error) error {
	return &yamlfile.Problem{Message: onlyCloudEvents, Fix: "remove this key"}
}

// JSONSchema refuses any value.
func (later) JSONSchema() map[string]any { return map[string]any{"not": map[string]any{}} }

// SchemaJSON returns the JSON Schema of a source file, for editors.
func SchemaJSON() ([]byte, error) {
	return yamlfile.Schema("funnelhouse source", "Where records come from and how a record becomes events.", file{})
}

// Load reads the sources, which are the .yaml files at the root of files, in
// the order of their names. What is wrong in any of them comes back as
// yamlfile.Problems, all joined; no source at all is no error.
func Load(files fs.FS) ([]*Source, error) {
	all, misnamed, err := yamlfile.ReadFolder(files, ".", "source")
	if err != nil {
		return nil, err
	}
	l := &loader{names: map[string]string{}, topics: map[string]string{}}
	var list []*Source
	for _, f := range all {
		list = append(list, l.source(f.Path, f.Data))
	}
	l.problems = append(l.problems, misnamed...)
	if len(l.problems) > 0 {
		return nil, errors.Join(l.problems...)
	}
	return list, nil
}

// loader knows what the files before have named.
type loader struct {
	doc      *yamlfile.Doc
	names    map[string]string // source to file
	topics   map[string]string // topic named literally to file
	problems []error
}

func (l *loader) report(field, message, fix string) {
	l.problems = append(l.problems, l.doc.Problem(field, message, fix))
}

// source returns nil for a file that can't be decoded.
func (l *loader) source(name string, data []byte) *Source {
	f := file{Framing: "none", Envelope: "cloudevents"}
	var err error
	if l.doc, err = yamlfile.Decode(name, data, &f); err != nil {
		l.problems = append(l.problems, err)
		return nil
	}
	s := &Source{Path: name, Name: f.Source, Framing: string(f.Framing), Envelope: string(f.Envelope)}
	if !sourceName.MatchString(f.Source) {
		l.report("source", fmt.Sprintf("%q is no name", f.Source), "write lower-case letters, digits, _ and -, beginning with a letter")
	}
	if first, ok := l.names[f.Source]; ok {
		l.report("source", fmt.Sprintf("%s is the source of %s already", f.Source, first), "name one of them otherwise")
	} else {
		l.names[f.Source] = name
	}
	if f.Kafka == nil {
		l.report("kafka", "is missing", "add kafka: {topics: [NAME]}")
		return s
	}
	s.Kafka = &Kafka{Topics: f.Kafka.Topics, Start: l.start(f.Kafka.Start)}
	if len(s.Kafka.Topics) == 0 {
		l.report("kafka.topics", "names no topic", "write at least one")
	}
	for i, topic := range s.Kafka.Topics {
		l.topic(name, fmt.Sprintf("kafka.topics[%d]", i), topic, s.Kafka.Topics[:i])
	}
	return s
}

func (l *loader) topic(name, field, topic string, before []string) {
	isLegal := topicName.MatchString(topic) && topic != "." && topic != ".."
	switch first := l.topics[topic]; {
	case slices.Contains(before, topic):
		l.report(field, topic+" stands twice", "keep one of them")
	case isPattern(topic) && !topicPattern.MatchString(topic), !isPattern(topic) && !isLegal:
		l.report(field, fmt.Sprintf("%q is no name of a topic", topic), "write letters, digits, dot, _ and -, at most 249, or a pattern with * and ?")
	case isPattern(topic) && strings.HasPrefix(topic, "__"):
		l.report(field, topic+" matches nothing: topics that begin with __ are Kafka's own", "write the topic's very name")
	case isPattern(topic):
	case first != "":
		l.report(field, fmt.Sprintf("%s is read by %s already", topic, first), "remove it from one of them")
	default:
		l.topics[topic] = name
	}
}

func (l *loader) start(word string) Start {
	switch word {
	case "", "earliest":
		return Start{}
	case "latest":
		return Start{Latest: true}
	}
	const fix = "write earliest, latest or an instant with its offset, such as 2026-10-01T00:00:00+08:00"
	at, err := time.Parse(time.RFC3339, word)
	if err != nil {
		l.report("kafka.start", fmt.Sprintf("%q is no place to start from", word), fix)
		return Start{}
	}
	// Below 1970 Kafka's numbers for instants stand for other things.
	if at.Before(time.Unix(0, 0)) {
		l.report("kafka.start", word+" is before 1970", fix)
	}
	return Start{At: at}
}
