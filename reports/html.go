package reports

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strings"
)

//go:embed page.gohtml
var pageText string

// renderHTML writes a page as one file without any address outside.
func renderHTML(p *pageView) ([]byte, error) {
	t, err := template.New("page").Parse(pageText)
	if err != nil {
		return nil, fmt.Errorf("read the page's template: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("write the page: %w", err)
	}
	return b.Bytes(), nil
}

// Halves splits a long narrow table into two beside each other.
func (t *tableView) Halves() [][][]string {
	const long, narrow = 7, 3
	if len(t.Rows) <= long || len(t.Head) > narrow {
		return [][][]string{t.Rows}
	}
	half := (len(t.Rows) + 1) / 2
	return [][][]string{t.Rows[:half], t.Rows[half:]}
}

// renderText writes a page for those who read mail without HTML.
func renderText(p *pageView) []byte {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	title := func(s string) { line("\n%s\n%s", s, strings.Repeat("-", 40)) }
	line("%s", p.Title+" · "+p.Period)
	line("%s", joined(" · ", p.Company, p.Standing))
	if len(p.Lacking) > 0 {
		title(p.LackingTitle)
		for _, l := range p.Lacking {
			line("! %s", l)
		}
	}
	for _, s := range p.Sections {
		if len(s.Head) > 0 {
			title(strings.Join(s.Head[:2], " · "))
			textFigures(line, s)
			continue
		}
		title(s.Heading)
		if s.Missing != "" {
			line("! %s", s.Missing)
		}
		if s.Table != nil {
			line("%s", strings.Join(s.Table.Head, " | "))
			for _, r := range s.Table.Rows {
				line("%s", strings.Join(r, " | "))
			}
		}
		for _, n := range s.Notes {
			line("* %s", n)
		}
	}
	title(p.DefinitionsTitle)
	for _, d := range p.Definitions {
		line("%s (%s): %s %s", d.Name, d.Code, d.Text, d.Notes)
	}
	title(p.DataTitle)
	for _, d := range p.Data {
		line("%s", joined(": ", d.Key, d.Value))
	}
	if p.Footer != "" {
		line("\n%s", p.Footer)
	}
	return []byte(b.String())
}

func textFigures(line func(string, ...any), s sectionView) {
	for _, f := range s.Figures {
		line("%s: %s", f.Name, f.Value)
		if f.Missing != "" {
			line("  ! %s", f.Missing)
		}
		if len(f.Details) > 0 {
			line("  %s", strings.Join(f.Details, " · "))
		}
		for i, c := range f.Changes {
			if text := joined(" · ", joined(" ", c.Arrow, c.Text, c.Word), c.Past); text != "" {
				line("  %s: %s", s.Head[2+i], text)
			}
		}
		for _, n := range f.Notes {
			line("  * %s", n)
		}
	}
}

// joined joins what is not empty.
func joined(between string, parts ...string) string {
	var kept []string
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, between)
}
