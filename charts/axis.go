package charts

import "math"

// axis is the range of values that a chart shows, in what the option holds:
// percentages for shares, thousands or millions for large amounts.
type axis struct {
	factor       float64 // option value = value * factor
	low, high    float64
	step         float64
	suffix       string // behind every number
	labelColumns int    // the widest number
}

// axisOf fits an axis to the values. Bars begin at 0, or a bar's length would
// say something else than its number; so do lines that come near it.
func (s *Spec) axisOf() axis {
	low, high, ok := s.extent()
	a := axis{factor: 1}
	if !ok {
		low, high = 0, 1
	}
	isNatural := low >= 0
	if s.Unit == "percent" {
		a.factor, a.suffix = 100, " %"
		isNatural = low >= 0 && high <= 1
	} else {
		a.factor, a.suffix = s.scale(math.Max(math.Abs(low), math.Abs(high)))
	}
	low, high = low*a.factor, high*a.factor
	if low == 0 && high == 0 {
		high = a.factor // an axis up to 1 or 100 %
	}
	if s.Kind == Bars || low > 0 && low < 0.6*high {
		low = math.Min(low, 0)
	}
	if s.Kind == Bars || high < 0 && high > 0.6*low {
		high = math.Max(high, 0)
	}
	least := 0.0
	if s.Unit == "count" && a.factor == 1 {
		least = 1
	}
	a.low, a.high, a.step = niceRange(low, high, least)
	if isNatural {
		a.low = math.Max(a.low, 0)
	}
	if isNatural && s.Unit == "percent" {
		a.high = math.Min(a.high, 100)
	}
	for _, end := range []float64{a.low, a.high, a.low + a.step} {
		a.labelColumns = max(a.labelColumns, columns(decimal(end, digitsOf(a.step))+a.suffix))
	}
	return a
}

func (s *Spec) extent() (low, high float64, ok bool) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, series := range s.Series {
		for _, v := range series.Values {
			if v != nil {
				low, high, ok = math.Min(low, *v), math.Max(high, *v), true
			}
		}
	}
	return low, high, ok
}

// scale shortens the numbers of an axis by the words of the language.
func (s *Spec) scale(most float64) (factor float64, suffix string) {
	type step struct {
		from, factor float64
		suffix       string
	}
	steps := []step{{1e9, 1e-9, " bn"}, {1e6, 1e-6, " M"}, {2e4, 1e-3, " k"}}
	switch s.Language {
	case "zh-Hans":
		steps = []step{{1e8, 1e-8, " 亿"}, {2e4, 1e-4, " 万"}}
	case "zh-Hant":
		steps = []step{{1e8, 1e-8, " 億"}, {2e4, 1e-4, " 萬"}}
	}
	for _, one := range steps {
		if most >= one.from {
			return one.factor, one.suffix
		}
	}
	return 1, ""
}

// niceRange widens a range to multiples of a step of 1, 2, 2.5 or 5 times a
// power of ten, in about five steps of at least least.
func niceRange(low, high, least float64) (from, to, step float64) {
	if high-low <= 1e-9*math.Max(math.Abs(low), math.Abs(high)) {
		spread := math.Max(math.Abs(high)*0.1, math.Max(least, 1e-3))
		if low == 0 {
			high = math.Max(1, least)
		} else {
			low, high = low-spread, high+spread
		}
	}
	rough := (high - low) / 5
	power := math.Pow(10, math.Floor(math.Log10(rough)))
	step = 10 * power
	for _, n := range []float64{1, 2, 2.5, 5} {
		if n*power >= rough*0.999 {
			step = n * power
			break
		}
	}
	step = math.Max(step, least)
	from, to = math.Floor(low/step+1e-9)*step, math.Ceil(high/step-1e-9)*step
	return tidy(from), tidy(to), tidy(step)
}

// tidy takes away what binary fractions add: 0.30000000000000004.
func tidy(x float64) float64 {
	if x == 0 {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(math.Abs(x)))-11)
	if unit == 0 || math.IsInf(unit, 0) {
		return x
	}
	if unit < 1 {
		inverse := math.Round(1 / unit)
		return math.Round(x*inverse) / inverse
	}
	return math.Round(x/unit) * unit
}

// digitsOf is how many decimals a step needs.
func digitsOf(step float64) int {
	for digits := range 6 {
		scaled := step * math.Pow(10, float64(digits))
		if math.Abs(scaled-math.Round(scaled)) < 1e-6*scaled {
			return digits
		}
	}
	return 6
}
