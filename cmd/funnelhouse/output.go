package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"golang.org/x/text/width"
)

// sheet writes rows in the format that was asked for. A row's cells are nil,
// bool, string, float64, json.Number, []any or map[string]any.
type sheet interface {
	row(cells []any) error
	close() error
}

// formatFlag adds --format to a command.
func formatFlag(c *cobra.Command) *string {
	return c.Flags().String("format", "table", "how rows are written: table, json or csv")
}

// newSheet opens a sheet; right says which columns hold numbers.
func newSheet(out io.Writer, format string, columns []string, right []bool) (sheet, error) {
	switch format {
	case "table":
		return &tableSheet{out: bufio.NewWriter(out), columns: columns, right: right}, nil
	case "json":
		return &jsonSheet{out: bufio.NewWriter(out), columns: columns}, nil
	case "csv":
		s := &csvSheet{out: csv.NewWriter(out), line: make([]string, len(columns))}
		return s, s.out.Write(columns)
	default:
		return nil, checkFormat(format)
	}
}

func checkFormat(format string) error {
	switch format {
	case "table", "json", "csv":
		return nil
	}
	return usagef("--format %q is none: write table, json or csv", format)
}

// text is a cell as one writes it without quotes.
func text(cell any) string {
	switch c := cell.(type) {
	case nil:
		return ""
	case string:
		return c
	case json.Number:
		return c.String()
	case bool:
		return fmt.Sprint(c)
	default:
		b, err := marshal(c)
		if err != nil {
			return fmt.Sprint(c)
		}
		return string(b)
	}
}

// marshal writes JSON without turning <, > and & into escapes.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

type csvSheet struct {
	out  *csv.Writer
	line []string
}

func (s *csvSheet) row(cells []any) error {
	for i, c := range cells {
		s.line[i] = text(c)
	}
	return s.out.Write(s.line)
}

func (s *csvSheet) close() error {
	s.out.Flush()
	return s.out.Error()
}

// jsonSheet writes a list of objects, one a line, in the order of the columns.
type jsonSheet struct {
	out     *bufio.Writer
	columns []string
	rows    int
}

func (s *jsonSheet) row(cells []any) error {
	lead := ",\n {"
	if s.rows == 0 {
		lead = "[\n {"
	}
	s.rows++
	if _, err := s.out.WriteString(lead); err != nil {
		return err
	}
	for i, c := range cells {
		name, err := marshal(s.columns[i])
		if err != nil {
			return err
		}
		value, err := marshal(c)
		if err != nil {
			return err
		}
		if i > 0 {
			name = append([]byte(", "), name...)
		}
		if _, err := fmt.Fprintf(s.out, "%s: %s", name, value); err != nil {
			return err
		}
	}
	return s.out.WriteByte('}')
}

func (s *jsonSheet) close() error {
	end := "\n]\n"
	if s.rows == 0 {
		end = "[]\n"
	}
	if _, err := s.out.WriteString(end); err != nil {
		return err
	}
	return s.out.Flush()
}

// measured is after how many rows a table's widths are fixed, so that a large
// result is written while it comes.
const measured = 1000

type tableSheet struct {
	out     *bufio.Writer
	columns []string
	right   []bool
	kept    [][]string
	widths  []int
}

func (s *tableSheet) row(cells []any) error {
	line := make([]string, len(cells))
	for i, c := range cells {
		line[i] = printable(text(c))
	}
	if s.widths != nil {
		return s.write(line)
	}
	s.kept = append(s.kept, line)
	if len(s.kept) < measured {
		return nil
	}
	return s.begin()
}

func (s *tableSheet) close() error {
	if s.widths == nil {
		if err := s.begin(); err != nil {
			return err
		}
	}
	return s.out.Flush()
}

func (s *tableSheet) begin() error {
	s.widths = make([]int, len(s.columns))
	rule := make([]string, len(s.columns))
	for i, c := range s.columns {
		s.widths[i] = columnsOf(c)
		for _, line := range s.kept {
			s.widths[i] = max(s.widths[i], columnsOf(line[i]))
		}
		rule[i] = strings.Repeat("-", s.widths[i])
	}
	for _, line := range append([][]string{s.columns, rule}, s.kept...) {
		if err := s.write(line); err != nil {
			return err
		}
	}
	s.kept = nil
	return nil
}

func (s *tableSheet) write(line []string) error {
	var b strings.Builder
	for i, cell := range line {
		if i > 0 {
			b.WriteString("  ")
		}
		gap := strings.Repeat(" ", max(0, s.widths[i]-columnsOf(cell)))
		if s.right[i] {
			b.WriteString(gap + cell)
		} else {
			b.WriteString(cell + gap)
		}
	}
	_, err := s.out.WriteString(strings.TrimRight(b.String(), " ") + "\n")
	return err
}

// columnsOf is how many columns of a terminal a text takes: Chinese
// characters take two.
func columnsOf(s string) int {
	n := 0
	for _, r := range s {
		switch width.LookupRune(r).Kind() {
		case width.EastAsianWide, width.EastAsianFullwidth:
			n += 2
		case width.Neutral, width.EastAsianAmbiguous, width.EastAsianNarrow, width.EastAsianHalfwidth:
			if !unicode.Is(unicode.Mn, r) {
				n++
			}
		}
	}
	return n
}

// printable keeps a value from steering the terminal or breaking its line.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r):
			return '\uFFFD'
		}
		return r
	}, s)
}

// count writes 1234567 as 1,234,567.
func count(n int64) string { return grouped(fmt.Sprint(n)) }

// plural writes 1 record, 2 records.
func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if strings.HasSuffix(noun, "ch") {
		return count(n) + " " + noun + "es"
	}
	return count(n) + " " + noun + "s"
}
