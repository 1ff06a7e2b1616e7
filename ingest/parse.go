package ingest

import (
	"math/bits"
)

// parseDate reads YYYY-MM-DD into days since 1970-01-01 in the proleptic
// Gregorian calendar.
func parseDate(s []byte) (int64, bool) {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return 0, false
	}
	year, ok1 := digits(s[0:4])
	month, ok2 := digits(s[5:7])
	day, ok3 := digits(s[8:10])
	if !ok1 || !ok2 || !ok3 || year == 0 || month == 0 || month > 12 || day == 0 || day > daysIn(year, month) {
		return 0, false
	}
	return civilDays(year, month, day), true
}

// parseInstant reads RFC 3339 with its offset into microseconds since
// 1970-01-01 UTC. Digits beyond the microsecond are cut. A text without an
// offset names no instant and is refused.
func parseInstant(s []byte) (int64, bool) {
	if len(s) < 20 || len(s) > 40 || (s[10] != 'T' && s[10] != 't' && s[10] != ' ') || s[13] != ':' || s[16] != ':' {
		return 0, false
	}
	days, ok := parseDate(s[:10])
	if !ok {
		return 0, false
	}
	hour, ok1 := digits(s[11:13])
	minute, ok2 := digits(s[14:16])
	second, ok3 := digits(s[17:19])
	if !ok1 || !ok2 || !ok3 || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	rest := s[19:]
	var micros int64
	if rest[0] == '.' {
		rest = rest[1:]
		n := 0
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			if n < 6 {
				micros = micros*10 + int64(rest[n]-'0')
			}
			n++
		}
		if n == 0 {
			return 0, false
		}
		for i := n; i < 6; i++ {
			micros *= 10
		}
		rest = rest[n:]
	}
	offset, ok := parseOffset(rest)
	if !ok {
		return 0, false
	}
	seconds := days*86400 + hour*3600 + minute*60 + second - offset
	return seconds*1_000_000 + micros, true
}

// parseOffset reads Z or +hh:mm into seconds east of UTC.
func parseOffset(s []byte) (int64, bool) {
	if len(s) == 1 && (s[0] == 'Z' || s[0] == 'z') {
		return 0, true
	}
	if len(s) != 6 || s[3] != ':' || (s[0] != '+' && s[0] != '-') {
		return 0, false
	}
	hours, ok1 := digits(s[1:3])
	minutes, ok2 := digits(s[4:6])
	if !ok1 || !ok2 || hours > 23 || minutes > 59 {
		return 0, false
	}
	seconds := hours*3600 + minutes*60
	if s[0] == '-' {
		seconds = -seconds
	}
	return seconds, true
}

func digits(s []byte) (int64, bool) {
	var n int64
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

func daysIn(year, month int64) int64 {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	default:
		return 31
	}
}

// civilDays counts days from 1970-01-01 for year 1 and later. A year begins
// in March here, so that the leap day comes last (method: Howard Hinnant,
// "chrono-Compatible Low-Level Date Algorithms").
func civilDays(year, month, day int64) int64 {
	if month <= 2 {
		year--
	}
	era := year / 400
	yearOfEra := year - era*400
	monthFromMarch := (month + 9) % 12
	dayOfYear := (153*monthFromMarch+2)/5 + day - 1
	dayOfEra := yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear
	return era*146097 + dayOfEra - 719468
}

// decimal is an unscaled number of at most 38 digits in two's complement.
type decimal struct {
	lo uint64
	hi int64
}

// parseDecimal reads a JSON number into an unscaled number with scale digits
// behind the point. It never rounds: what has more digits than precision and
// scale allow is refused with reason Scale, what is no number with WrongType.
// An empty reason is success.
func parseDecimal(s []byte, precision, scale int) (decimal, Reason) {
	i, negative := 0, false
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		negative = s[i] == '-'
		i++
	}
	mantissa := s[i:]
	point, end := -1, len(mantissa)
	for k, c := range mantissa {
		if c == '.' && point < 0 {
			point = k
			continue
		}
		if c == 'e' || c == 'E' {
			end = k
			break
		}
		if c < '0' || c > '9' {
			return decimal{}, WrongType
		}
	}
	exponent, ok := parseExponent(mantissa[end:])
	whole, fraction := mantissa[:end], []byte(nil)
	if point >= 0 {
		whole, fraction = mantissa[:point], mantissa[point+1:end]
	}
	if !ok || len(whole) == 0 || (point >= 0 && len(fraction) == 0) {
		return decimal{}, WrongType
	}
	return unscaled(whole, fraction, exponent, precision, scale, negative)
}

// unscaled puts whole and fraction together as one number of scale digits.
func unscaled(whole, fraction []byte, exponent, precision, scale int, negative bool) (decimal, Reason) {
	// The digits stand at 10^(len(whole)-1+exponent) and below. shift says how
	// many zeros follow them at the asked scale; negative: how many must be cut,
	// which is allowed where they are zero.
	shift := exponent - len(fraction) + scale
	var hi, lo uint64
	count, total := 0, len(whole)+len(fraction)
	for k := range total {
		digit := whole
		at := k
		if k >= len(whole) {
			digit, at = fraction, k-len(whole)
		}
		c := digit[at]
		if shift < 0 && k >= total+shift {
			if c != '0' {
				return decimal{}, Scale
			}
			continue
		}
		if count == 0 && c == '0' {
			continue
		}
		if count++; count > precision {
			return decimal{}, Scale
		}
		hi, lo = timesTenPlus(hi, lo, uint64(c-'0'))
	}
	if count > 0 && shift > 0 {
		if count+shift > precision {
			return decimal{}, Scale
		}
		for range shift {
			hi, lo = timesTenPlus(hi, lo, 0)
		}
	}
	if negative {
		var borrow uint64
		lo, borrow = bits.Sub64(0, lo, 0)
		hi, _ = bits.Sub64(0, hi, borrow)
	}
	return decimal{lo: lo, hi: int64(hi)}, ""
}

// timesTenPlus needs no overflow check: 38 digits fit into 127 bits.
func timesTenPlus(hi, lo, digit uint64) (uint64, uint64) {
	carry, low := bits.Mul64(lo, 10)
	low, c := bits.Add64(low, digit, 0)
	return hi*10 + carry + c, low
}

// parseExponent reads e+12; nothing at all is 0. Beyond four digits no number
// of ours can lie, so the text is refused before it overflows.
func parseExponent(s []byte) (int, bool) {
	if len(s) == 0 {
		return 0, true
	}
	s = s[1:]
	negative := false
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		negative = s[0] == '-'
		s = s[1:]
	}
	if len(s) == 0 || len(s) > 4 {
		return 0, false
	}
	n, ok := digits(s)
	if negative {
		n = -n
	}
	return int(n), ok
}
