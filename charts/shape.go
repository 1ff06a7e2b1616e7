package charts

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// shape is one thing in a picture: an outline or a line of text. Everything
// that ECharts draws is a list of them.
type shape struct {
	path string // the outline, in SVG's words; empty: a text

	text     string
	x, y     float64
	size     float64 // of the font
	anchor   string  // start, middle or end
	baseline string  // alphabetic, central or hanging

	at           matrix
	fill, stroke paint
	width        float64 // of the stroke
	dash         []float64
	cap          string // butt or round
}

// isSeen tells whether anything of it shows.
func (s *shape) isSeen() bool {
	if s.text == "" && s.path == "" {
		return false
	}
	return s.fill.alpha > 0 || s.stroke.alpha > 0 && s.width > 0
}

// paint is a colour; alpha 0 is none.
type paint struct {
	red, green, blue uint8
	alpha            float64
}

// hex is the colour without its alpha.
func (p paint) hex() string { return fmt.Sprintf("#%02x%02x%02x", p.red, p.green, p.blue) }

func parsePaint(text string) (paint, error) {
	switch text {
	case "", "none", "transparent":
		return paint{}, nil
	}
	if digits, ok := strings.CutPrefix(text, "#"); ok {
		if len(digits) == 3 {
			digits = string([]byte{digits[0], digits[0], digits[1], digits[1], digits[2], digits[2]})
		}
		if n, err := strconv.ParseUint(digits, 16, 32); err == nil && len(digits) == 6 {
			return paint{uint8(n >> 16), uint8(n >> 8), uint8(n), 1}, nil
		}
	}
	inside, ok := strings.CutPrefix(strings.Replace(text, "rgba(", "rgb(", 1), "rgb(")
	parts := strings.Split(strings.TrimSuffix(inside, ")"), ",")
	if ok && (len(parts) == 3 || len(parts) == 4) {
		p, err := paintOf(parts)
		if err == nil {
			return p, nil
		}
	}
	return paint{}, fmt.Errorf("%q is no colour", short(text, 40))
}

func paintOf(parts []string) (paint, error) {
	var channels [3]uint8
	for i := range channels {
		n, err := strconv.ParseUint(strings.TrimSpace(parts[i]), 10, 8)
		if err != nil {
			return paint{}, err
		}
		channels[i] = uint8(n)
	}
	p := paint{channels[0], channels[1], channels[2], 1}
	if len(parts) == 4 {
		alpha, err := strconv.ParseFloat(strings.TrimSpace(parts[3]), 64)
		if err != nil {
			return paint{}, err
		}
		p.alpha = min(max(alpha, 0), 1)
	}
	return p, nil
}

// matrix maps x, y to a*x + c*y + e, b*x + d*y + f, as SVG writes it.
type matrix struct{ a, b, c, d, e, f float64 }

func unmoved() matrix { return matrix{a: 1, d: 1} }

// then applies m first and after it n.
func (m matrix) then(n matrix) matrix {
	return matrix{
		a: n.a*m.a + n.c*m.b, b: n.b*m.a + n.d*m.b,
		c: n.a*m.c + n.c*m.d, d: n.b*m.c + n.d*m.d,
		e: n.a*m.e + n.c*m.f + n.e, f: n.b*m.e + n.d*m.f + n.f,
	}
}

func (m matrix) apply(p point) point {
	return point{m.a*p.x + m.c*p.y + m.e, m.b*p.x + m.d*p.y + m.f}
}

// scale is how many times longer lines become.
func (m matrix) scale() float64 { return math.Sqrt(math.Abs(m.a*m.d - m.b*m.c)) }

func parseMatrix(text string) (matrix, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return unmoved(), nil
	}
	name, inside, ok := strings.Cut(text, "(")
	numbers, err := parseNumbers(strings.TrimSuffix(inside, ")"))
	if ok && err == nil {
		switch n := numbers; {
		case name == "translate" && len(n) == 2:
			return matrix{1, 0, 0, 1, n[0], n[1]}, nil
		case name == "translate" && len(n) == 1:
			return matrix{1, 0, 0, 1, n[0], 0}, nil
		case name == "matrix" && len(n) == 6:
			return matrix{n[0], n[1], n[2], n[3], n[4], n[5]}, nil
		case name == "rotate" && len(n) == 1:
			sin, cos := math.Sincos(n[0] * math.Pi / 180)
			return matrix{cos, sin, -sin, cos, 0, 0}, nil
		case name == "scale" && len(n) == 2:
			return matrix{n[0], 0, 0, n[1], 0, 0}, nil
		}
	}
	return matrix{}, fmt.Errorf("%q is no transform", short(text, 60))
}

// parseNumbers reads numbers with spaces or commas between them.
func parseNumbers(text string) ([]float64, error) {
	words := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
	numbers := make([]float64, len(words))
	for i, w := range words {
		n, err := strconv.ParseFloat(w, 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return nil, fmt.Errorf("%q is no number", short(w, 40))
		}
		numbers[i] = n
	}
	return numbers, nil
}
