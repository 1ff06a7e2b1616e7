package metric

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/funnelhouse/funnelhouse/warehouse/cases"
)

// tolerance is how far a shown value may be from the expected one.
const tolerance = 1e-9

// compare holds the table against the expected rows.
func (c *metricCase) compare(table *Table) error {
	keys := c.keys()
	equal := len(table.Rows) == len(c.file.Expect)
	lines := [][]string{append([]string{""}, keys...)}
	for i := range max(len(table.Rows), len(c.file.Expect)) {
		want, got := []string{"want"}, []string{"got"}
		same := i < len(table.Rows) && i < len(c.file.Expect)
		for _, key := range keys {
			var wanted any
			asked := false
			if i < len(c.file.Expect) {
				wanted, asked = c.file.Expect[i][key]
			}
			wantText, gotText := "", ""
			if asked {
				wantText = cell(wanted)
			}
			if i < len(table.Rows) {
				gotText = table.cell(&table.Rows[i], key)
			}
			if asked && same && !equalCell(key, wantText, gotText) {
				equal, same = false, false
			}
			want, got = append(want, wantText), append(got, gotText)
		}
		switch {
		case i >= len(table.Rows):
			got = []string{"got", "no row"}
		case i >= len(c.file.Expect):
			want = []string{"want", "no row"}
		case same:
			got[0] = "same"
			lines = append(lines, got)
			continue
		}
		lines = append(lines, want, got)
	}
	if equal {
		return nil
	}
	return fmt.Errorf("%s gives %d rows, expected %d: the case fails\n%s",
		c.metric.Name, len(table.Rows), len(c.file.Expect), cases.Aligned(lines))
}

// keys lists the keys that the case compares, in the order of a table.
func (c *metricCase) keys() []string {
	used := map[string]bool{"period": true}
	for _, row := range c.file.Expect {
		for key := range row {
			used[key] = true
		}
	}
	all := append([]string{"period"}, c.file.By...)
	all = append(all, caseKeys()[1:]...)
	return slices.DeleteFunc(all, func(key string) bool { return !used[key] && !has(c.file.By, key) })
}

// cell writes an expected value as a table shows it.
func cell(v any) string {
	if v == nil {
		return "null"
	}
	if list, ok := v.([]any); ok {
		flags := make([]string, len(list))
		for i, flag := range list {
			flags[i] = cases.Text(flag)
		}
		return flagText(flags)
	}
	return cases.Text(v)
}

func flagText(flags []string) string {
	return "[" + strings.Join(slices.Sorted(slices.Values(flags)), ", ") + "]"
}

func (t *Table) cell(r *Row, key string) string {
	switch key {
	case "period":
		return orNull(r.Period)
	case colNumerator:
		return orNull(r.Numerator)
	case colDenominator:
		return orNull(r.Denominator)
	case colValue:
		return floatText(r.Value)
	case "ci_low":
		return floatText(r.CILow)
	case "ci_high":
		return floatText(r.CIHigh)
	case "flags":
		return flagText(r.Flags)
	case colN:
		if r.N == nil {
			return "null"
		}
		return strconv.FormatInt(*r.N, 10)
	}
	if d := r.Dimensions[slices.Index(t.Dimensions, key)]; d != nil {
		return *d
	}
	return "null"
}

func orNull(text string) string {
	if text == "" {
		return "null"
	}
	return text
}

func floatText(f *float64) string {
	if f == nil {
		return "null"
	}
	return strconv.FormatFloat(*f, 'g', -1, 64)
}

func equalCell(key, want, got string) bool {
	if want == got {
		return true
	}
	switch key {
	case colNumerator, colDenominator, colN:
		a, okA := new(big.Rat).SetString(want)
		b, okB := new(big.Rat).SetString(got)
		return okA && okB && a.Cmp(b) == 0
	case colValue, "ci_low", "ci_high":
		a, errA := strconv.ParseFloat(want, 64)
		b, errB := strconv.ParseFloat(got, 64)
		return errA == nil && errB == nil && math.Abs(a-b) <= tolerance
	}
	return false
}
