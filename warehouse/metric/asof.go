package metric

import (
	"strings"
	"time"
)

// asOfName is the parameter that a metric's conditions may use: the day as of
// which a figure is asked for.
const asOfName = "$as_of"

// withAsOf writes the day in the place of $as_of. The SQL of a metric is shown
// to analysts, so it has to run as it stands, in any client.
func withAsOf(sql string, day time.Time) string {
	var out strings.Builder
	at := 0
	for _, place := range asOfPlaces(sql) {
		out.WriteString(sql[at:place])
		out.WriteString(dateLiteral(day))
		at = place + len(asOfName)
	}
	out.WriteString(sql[at:])
	return out.String()
}

func dateLiteral(day time.Time) string { return "date '" + day.Format(time.DateOnly) + "'" }

// asOfPlaces finds $as_of outside of strings, quoted names and comments. Check
// holds it against DuckDB's parser: after the replacement no parameter is left.
func asOfPlaces(sql string) []int {
	var places []int
	for i := 0; i < len(sql); {
		rest := sql[i:]
		switch {
		case rest[0] == '\'', rest[0] == '"':
			i += quotedLength(rest, escapes(sql, i))
		case strings.HasPrefix(rest, "--"):
			i += until(rest, "\n")
		case strings.HasPrefix(rest, "/*"):
			i += blockComment(rest)
		case isAsOf(sql, i):
			places = append(places, i)
			i += len(asOfName)
		case rest[0] == '$':
			i += dollar(rest)
		default:
			i++
		}
	}
	return places
}

func isAsOf(sql string, i int) bool {
	if len(sql)-i < len(asOfName) || !strings.EqualFold(sql[i:i+len(asOfName)], asOfName) {
		return false
	}
	if i > 0 && nameByte(sql[i-1]) { // a$as_of is a name
		return false
	}
	end := i + len(asOfName)
	return end == len(sql) || !nameByte(sql[end]) && sql[end] != '$'
}

func nameByte(c byte) bool { return letter(c) || digit(c) || c >= 0x80 }

// escapes tells whether the string at i is of the form e'…', where a backslash
// hides what follows it.
func escapes(sql string, i int) bool {
	if i == 0 || sql[i] != '\'' || sql[i-1] != 'e' && sql[i-1] != 'E' {
		return false
	}
	return i == 1 || !nameByte(sql[i-2])
}

// quotedLength is the length of the string or quoted name that rest begins with. A
// doubled quote inside it begins the next one, which comes to the same.
func quotedLength(rest string, escapes bool) int {
	for i := 1; i < len(rest); i++ {
		switch {
		case escapes && rest[i] == '\\':
			i++
		case rest[i] == rest[0] && escapes && i+1 < len(rest) && rest[i+1] == rest[0]:
			i++
		case rest[i] == rest[0]:
			return i + 1
		}
	}
	return len(rest)
}

func until(rest, end string) int {
	if i := strings.Index(rest, end); i >= 0 {
		return i + len(end)
	}
	return len(rest)
}

// blockComment is the length of a comment; comments nest.
func blockComment(rest string) int {
	depth := 0
	for i := 0; i < len(rest); {
		switch {
		case strings.HasPrefix(rest[i:], "/*"):
			depth++
			i += 2
		case strings.HasPrefix(rest[i:], "*/"):
			depth--
			i += 2
			if depth == 0 {
				return i
			}
		default:
			i++
		}
	}
	return len(rest)
}

// dollar is the length of a $tag$ string, or 1 where there is none.
func dollar(rest string) int {
	i := 1
	for i < len(rest) && nameByte(rest[i]) {
		i++
	}
	if i == len(rest) || rest[i] != '$' || i > 1 && digit(rest[1]) {
		return 1
	}
	tag := rest[:i+1]
	return len(tag) + until(rest[len(tag):], tag)
}
