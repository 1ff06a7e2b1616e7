package reports

import (
	"math"

	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// change is how a figure stands beside another period.
type change struct {
	then    standing
	verdict verdict
	delta   float64 // where the two are compared
}

// verdict is what a difference means, or why there is none.
type verdict int

const (
	noFigure      verdict = iota // the figure itself can't be assessed
	noPast                       // nothing is known of the other period
	pastBlank                    // the other period can't be assessed
	tooYoung                     // one of the two is not mature: they are of different age
	notOver                      // one of the two is not over
	same                         // as shown, they are the same
	byChance                     // the interval of the difference holds zero
	tooFew                       // fewer than the metric's minimum: not judged
	better                       // by the metric's direction
	worse                        // by the metric's direction
	justDifferent                // neither way is better
)

// compare holds a figure against another period. unchanged tells whether the
// reader will see no difference.
func (f *facts) compare(fig *figureFacts, then standing, unchanged func(now, then *float64) bool) change {
	c := change{then: then}
	now := fig.now
	switch {
	case now.value() == nil:
		c.verdict = noFigure
		return c
	case then.row == nil:
		c.verdict = noPast
		return c
	case then.value() == nil:
		c.verdict = pastBlank
		return c
	case now.row.Has(metric.Immature) || then.row.Has(metric.Immature):
		c.verdict = tooYoung
		return c
	case f.running() || now.row.Has(metric.Partial) || then.row.Has(metric.Partial):
		c.verdict = notOver
		return c
	}
	c.delta = *now.row.Value - *then.row.Value
	switch {
	case unchanged(now.row.Value, then.row.Value):
		c.verdict = same
	case now.row.Has(metric.SmallN) || then.row.Has(metric.SmallN):
		c.verdict = tooFew
	case mayBeChance(now.row, then.row):
		c.verdict = byChance
	case fig.metric.Direction == "":
		c.verdict = justDifferent
	case (c.delta > 0) == (fig.metric.Direction == "higher"):
		c.verdict = better
	default:
		c.verdict = worse
	}
	return c
}

// mayBeChance tells whether the 95 % interval of the difference of two figures
// holds zero. Figures without intervals are counts of all there was and no
// samples.
func mayBeChance(a, b *metric.Row) bool {
	if a.CILow == nil || a.CIHigh == nil || b.CILow == nil || b.CIHigh == nil {
		return false
	}
	low, high := difference(*a.Value, *a.CILow, *a.CIHigh, *b.Value, *b.CILow, *b.CIHigh)
	return low <= 0 && high >= 0
}

// difference is the interval of a - b, made from those of the two by squares
// that are added: R. G. Newcombe, "Interval estimation for the difference
// between independent proportions: comparison of eleven methods", Statistics in
// Medicine 17 (1998), 873-890, method 10.
func difference(a, aLow, aHigh, b, bLow, bHigh float64) (low, high float64) {
	d := a - b
	return d - math.Hypot(a-aLow, bHigh-b), d + math.Hypot(aHigh-a, b-bLow)
}
