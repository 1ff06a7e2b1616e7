package charts

import (
	"math"
	"strconv"
	"strings"
)

// none stands where there is no value.
const none = "–"

// FormatValue writes a value as people read it, in its unit: 12.3 %, 1,234,
// 4.5 days, CNY 1,234,567. A share between 0 and 1 becomes a percentage. nil is
// a dash.
func FormatValue(v *float64, unit, currency, language string) string {
	if v == nil || math.IsNaN(*v) || math.IsInf(*v, 0) {
		return none
	}
	x := *v
	switch unit {
	case "percent":
		return decimal(x*100, 1) + " %"
	case "count":
		return decimal(x, 0)
	case "days", "hours", "minutes":
		return decimal(x, 1) + " " + unitWord(unit, language)
	case "points":
		return decimal(x, 1)
	case "currency":
		amount := decimal(x, amountDigits(x))
		if currency == "" {
			return amount
		}
		return plain(currency) + " " + amount
	default:
		return decimal(x, numberDigits(x))
	}
}

// FormatChange writes what a value changed by since the one before: in
// percentage points for shares, in points for points, else in per cent of the
// one before, or as a difference where that is 0. Without one of the values it
// is a dash.
func FormatChange(now, before *float64, unit, currency, language string) string {
	if now == nil || before == nil {
		return none
	}
	change := *now - *before
	switch {
	case unit == "percent":
		return signed(change*100, 1) + pointsWord(language)
	case unit == "points":
		return signed(change, 1)
	case *before == 0:
		size := math.Abs(change)
		text := FormatValue(&size, unit, currency, language)
		return sign(change, text) + text
	default:
		return signed(change/math.Abs(*before)*100, 1) + " %"
	}
}

// amountDigits: cents count only where there are few of them.
func amountDigits(x float64) int {
	if math.Abs(x) >= 1000 || x == math.Trunc(x) {
		return 0
	}
	return 2
}

// numberDigits keeps about three digits that say something.
func numberDigits(x float64) int {
	switch x = math.Abs(x); {
	case x >= 100 || x == math.Trunc(x):
		return 0
	case x >= 10:
		return 1
	case x >= 0.1:
		return 2
	default:
		return 4
	}
}

// decimal writes a number with so many decimals, a comma between thousands and
// a true minus; what rounds to 0 has no sign.
func decimal(x float64, digits int) string {
	text := strconv.FormatFloat(math.Abs(x), 'f', digits, 64)
	whole, rest, _ := strings.Cut(text, ".")
	var b strings.Builder
	if x < 0 && strings.Trim(text, "0.") != "" {
		b.WriteString("−")
	}
	for i, d := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	if rest != "" {
		b.WriteString("." + rest)
	}
	return b.String()
}

// signed is decimal with a sign in any case.
func signed(x float64, digits int) string {
	text := decimal(math.Abs(x), digits)
	return sign(x, text) + text
}

// sign is the sign before a text that was written without one.
func sign(x float64, text string) string {
	switch {
	case !strings.ContainsAny(text, "123456789"):
		return "±"
	case x < 0:
		return "−"
	default:
		return "+"
	}
}
