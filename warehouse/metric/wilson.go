package metric

import "math"

// z95 is the 97.5 % quantile of the standard normal distribution.
const z95 = 1.959963984540054

// wilson is the 95 % score interval of a proportion k of n: E. B. Wilson,
// "Probable Inference, the Law of Succession, and Statistical Inference",
// Journal of the American Statistical Association 22 (1927), 209-212. It stays
// within 0 and 1 and holds for small n, where the textbook p ± z·s does not.
// n is at least 1 and k between 0 and n.
func wilson(k, n float64) (low, high float64) {
	p := k / n
	z2 := z95 * z95
	centre := (p + z2/(2*n)) / (1 + z2/n)
	half := z95 * math.Sqrt(p*(1-p)/n+z2/(4*n*n)) / (1 + z2/n)
	// At the ends the formula gives 0 and 1 up to rounding.
	if k == 0 {
		return 0, centre + half
	}
	if k == n {
		return centre - half, 1
	}
	return centre - half, centre + half
}

// meanInterval is the 95 % interval of a mean over n rows with a population
// variance. Of a net promoter score the variance over the points 100, 0 and -100
// is 10000 (p + d - (p - d)²), where p and d are the shares of promoters and
// detractors.
func meanInterval(mean, variance, n float64) (low, high float64) {
	half := z95 * math.Sqrt(variance/n)
	return mean - half, mean + half
}
