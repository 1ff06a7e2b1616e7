package metric

import (
	"math"
	"testing"
)

func TestWilson(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		k, n      float64
		low, high float64
	}{
		// Newcombe, "Two-sided confidence intervals for the single proportion",
		// Statistics in Medicine 17 (1998), table I, method 3.
		{"81 of 263", 81, 263, 0.2553, 0.3662},
		{"15 of 148", 15, 148, 0.0624, 0.1605},
		{"0 of 20", 0, 20, 0.0000, 0.1611},
		{"1 of 29", 1, 29, 0.0061, 0.1718},
		{"3 of 4", 3, 4, 0.3006, 0.9544},
		{"all of one", 1, 1, 0.2065, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			low, high := wilson(test.k, test.n)
			if math.Abs(low-test.low) > 5e-5 || math.Abs(high-test.high) > 5e-5 {
				t.Errorf("got %.4f to %.4f, want %.4f to %.4f", low, high, test.low, test.high)
			}
		})
	}
}

func TestWilsonHoldsTheShare(t *testing.T) {
	t.Parallel()
	for n := 1.0; n <= 300; n++ {
		for k := 0.0; k <= n; k++ {
			low, high := wilson(k, n)
			if low < 0 || high > 1 || low > k/n || high < k/n {
				t.Fatalf("%v of %v: %v to %v", k, n, low, high)
			}
		}
	}
}
