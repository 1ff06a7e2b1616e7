package cases

import (
	"strings"
	"unicode/utf8"
)

// Aligned writes lines of cells below each other, for a person who compares
// rows. Chinese characters take two columns.
func Aligned(lines [][]string) string {
	var widths []int
	for _, line := range lines {
		for i, text := range line {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], width(text))
		}
	}
	var b strings.Builder
	for _, line := range lines {
		cells := make([]string, len(line))
		for i, text := range line {
			cells[i] = text + strings.Repeat(" ", widths[i]-width(text))
		}
		b.WriteString("  " + strings.TrimRight(strings.Join(cells, "  "), " ") + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func width(text string) int {
	n := utf8.RuneCountInString(text)
	for _, r := range text {
		if r >= 0x1100 {
			n++
		}
	}
	return n
}
