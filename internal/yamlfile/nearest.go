package yamlfile

import "strings"

// Nearest returns the known word that somebody who wrote word most likely
// meant, and "" when none is near. Case, "_" and "-" don't count. Of several
// that are as near the one that begins alike for longest is meant.
func Nearest(word string, known []string) string {
	w := plain(word)
	best, bestAt, bestAlike := "", min(max(len(w)/3, 1)+1, len(w)), -1
	for _, k := range known {
		p := plain(k)
		d, alike := distance(w, p, bestAt), alike(w, p)
		if d < bestAt || d == bestAt && best != "" && alike > bestAlike {
			best, bestAt, bestAlike = k, d, alike
		}
	}
	return best
}

// alike is how many letters two words share at their beginning.
func alike(a, b []rune) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func plain(s string) []rune {
	return []rune(strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(s)))
}

// distance is the number of insertions, removals, replacements and swaps of
// neighbours between a and b (optimal string alignment). It gives up with
// limit+1 where the lengths alone say that it is more than limit.
func distance(a, b []rune, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// oneOf names what could stand where word stands: the nearest known word, or
// all of them.
func oneOf(word string, known []string) string {
	if near := Nearest(word, known); near != "" {
		return near
	}
	switch n := len(known); n {
	case 0:
		return "nothing"
	case 1:
		return known[0]
	default:
		return strings.Join(known[:n-1], ", ") + " or " + known[n-1]
	}
}
