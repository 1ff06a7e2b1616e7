package contracts

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
)

// Example is one line of a contract's examples: an event that keeps the
// contract, or one that breaks it and the reason for which it must be refused.
type Example struct {
	Path  string
	Line  int
	Event json.RawMessage // a structured CloudEvent, its bytes as in the file
	// Reason is the quarantine reason of an invalid event; empty: valid.
	Reason string
}

// reasons are the words of the quarantine that an example may name.
func reasons() []string {
	return []string{
		"empty_value", "too_large", "invalid_utf8", "invalid_json", "too_deep", "unknown_envelope", "missing_attribute",
		"unknown_type", "invalid_time", "missing_field", "wrong_type", "not_allowed", "too_long", "too_short", "pattern",
		"out_of_range", "scale",
	}
}

// Examples reads testdata/<event>.v<major>.jsonl, the examples of c. Lines
// that are none, and a contract without a valid and an invalid example, are
// yamlfile.Problems.
func Examples(files fs.FS, c *Contract) ([]Example, error) {
	name := "testdata/" + c.Name() + ".jsonl"
	data, err := fs.ReadFile(files, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &yamlfile.Problem{
			Path: name, Message: c.Name() + " has no examples",
			Fix: `write at least one line {"event": {…}} and one line {"event": {…}, "reason": "missing_field"}`,
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read examples of %s: %w", c.Name(), err)
	}
	var list []Example
	var problems []error
	valid, line := 0, 0
	for text := range bytes.Lines(data) {
		line++
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		e, err := parseExample(c, name, line, text)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		if e.Reason == "" {
			valid++
		}
		list = append(list, e)
	}
	if len(problems) == 0 && valid == 0 {
		problems = append(problems, &yamlfile.Problem{Path: name, Message: "no valid example", Fix: `add a line {"event": {…}}`})
	}
	if len(problems) == 0 && valid == len(list) {
		problems = append(problems, &yamlfile.Problem{Path: name, Message: "no invalid example", Fix: `add a line {"event": {…}, "reason": "missing_field"}`})
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return list, nil
}

func parseExample(c *Contract, name string, line int, text []byte) (Example, error) {
	problem := func(field, message, fix string) (Example, error) {
		return Example{}, &yamlfile.Problem{Path: name, Line: line, Column: 1, Field: field, Message: message, Fix: fix}
	}
	var raw struct {
		Event  json.RawMessage `json:"event"`
		Reason *string         `json:"reason"`
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&raw); err != nil {
		return problem("", "no example: "+err.Error(), `write {"event": {…}} or {"event": {…}, "reason": "missing_field"} on one line`)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return problem("", "the line goes on behind the example", "write one example a line")
	}
	if raw.Event == nil {
		return problem("event", "is missing", "add the event")
	}
	e := Example{Path: name, Line: line, Event: raw.Event}
	if raw.Reason != nil {
		if !slices.Contains(reasons(), *raw.Reason) {
			fix := "write " + strings.Join(reasons(), ", ")
			if near := yamlfile.Nearest(*raw.Reason, reasons()); near != "" {
				fix = "did you mean " + near + "?"
			}
			return problem("reason", fmt.Sprintf("%q is no reason of the quarantine", *raw.Reason), fix)
		}
		e.Reason = *raw.Reason
		return e, nil
	}
	var envelope struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(raw.Event, &envelope); err != nil {
		return problem("event", "is no event: "+err.Error(), "write a structured CloudEvent")
	}
	if envelope.Type != c.Name() {
		return problem("event.type", fmt.Sprintf("is %q", envelope.Type), "write "+c.Name()+", or move the line to the file of that type")
	}
	return e, nil
}

// CheckExamples reads the examples of every contract and reports all that
// Examples would, and example files that belong to no contract.
func CheckExamples(files fs.FS, set *Set) error {
	var problems []error
	for _, c := range set.all {
		if _, err := Examples(files, c); err != nil {
			problems = append(problems, err)
		}
	}
	entries, err := fs.ReadDir(files, "testdata")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("list examples: %w", err)
	}
	for _, entry := range entries {
		name, isExample := strings.CutSuffix(entry.Name(), ".jsonl")
		if isExample && set.Lookup(name) != nil {
			continue
		}
		p := &yamlfile.Problem{Path: path.Join("testdata", entry.Name())}
		if isExample {
			p.Message, p.Fix = "no contract "+name+".yaml", "write it, or remove the examples"
			if near := yamlfile.Nearest(name, set.Names()); near != "" {
				p.Fix = "did you mean " + near + ".jsonl?"
			}
		} else {
			p.Message, p.Fix = "is no examples file", "name it <event>.v<major>.jsonl, or remove it"
		}
		problems = append(problems, p)
	}
	return errors.Join(problems...)
}
