package charts

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// short cuts a text to so many columns, in which a Chinese character takes two.
func short(s string, columns int) string {
	end := ""
	if most := 8*columns + 64; len(s) > most {
		s, end = s[:most], "…" // the rest can't be seen, however long it is
	}
	s = plain(s)
	used := 0
	var kept strings.Builder
	for _, r := range s {
		used += columnsOf(r)
		if used > columns {
			cut := []rune(kept.String())
			return strings.TrimRight(string(cut[:max(len(cut)-1, 0)]), " ") + "…"
		}
		kept.WriteRune(r)
	}
	return s + end
}

// columns is how wide a text is, in columns.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += columnsOf(r)
	}
	return n
}

func columnsOf(r rune) int {
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	default:
		return 1
	}
}

// plain makes one line of a text and takes out what can't be seen: XML has no
// place for control characters, and the marks that turn the direction of
// writing would turn the text around a label as well.
func plain(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "�"), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || r == '\uFEFF' || r == '\uFFFE' || r == '\uFFFF' ||
			r >= '\u202A' && r <= '\u202E' || r >= '\u2066' && r <= '\u2069' || r == '\u200E' || r == '\u200F'
	}), " ")
}
