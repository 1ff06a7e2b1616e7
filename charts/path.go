package charts

import (
	"fmt"
	"math"
	"slices"
	"strconv"
)

type point struct{ x, y float64 }

// piece is a run of straight lines.
type piece struct {
	points   []point
	isClosed bool
}

// flatten turns an outline into straight lines, as fine as a screen of so many
// times the size needs.
func flatten(path string, scale float64) ([]piece, error) {
	f := &flattener{text: path, tolerance: 0.1 / math.Max(scale, 0.01)}
	for {
		f.skip()
		if f.at >= len(f.text) {
			break
		}
		if c := f.text[f.at]; c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' {
			f.command = c
			f.at++
		} else if f.command == 0 {
			return nil, fmt.Errorf("path begins with %q", c)
		}
		if err := f.step(); err != nil {
			return nil, fmt.Errorf("path at %d: %w", f.at, err)
		}
	}
	f.end()
	return f.pieces, nil
}

type flattener struct {
	text      string
	at        int
	command   byte
	tolerance float64
	now       point
	control   point // of the curve before
	before    byte  // the command before, in upper case
	open      piece
	pieces    []piece
}

func (f *flattener) skip() {
	for f.at < len(f.text) && (f.text[f.at] == ' ' || f.text[f.at] == ',') {
		f.at++
	}
}

func (f *flattener) number() (float64, error) {
	f.skip()
	start := f.at
	seenDot, seenExponent := false, false
	for ; f.at < len(f.text); f.at++ {
		c := f.text[f.at]
		switch {
		case c >= '0' && c <= '9':
			continue
		case (c == '+' || c == '-') && (f.at == start || f.text[f.at-1] == 'e' || f.text[f.at-1] == 'E'):
			continue
		case c == '.' && !seenDot && !seenExponent:
			seenDot = true
			continue
		case (c == 'e' || c == 'E') && !seenExponent && f.at > start:
			seenExponent = true
			continue
		}
		break
	}
	n, err := strconv.ParseFloat(f.text[start:f.at], 64)
	if err != nil || math.IsInf(n, 0) {
		return 0, fmt.Errorf("%q is no number", f.text[start:f.at])
	}
	return n, nil
}

func (f *flattener) numbers(count int) ([]float64, error) {
	list := make([]float64, count)
	for i := range list {
		n, err := f.number()
		if err != nil {
			return nil, err
		}
		list[i] = n
	}
	return list, nil
}

// arguments is how many numbers each command takes.
func arguments(command byte) (int, bool) {
	switch command {
	case 'Z':
		return 0, true
	case 'H', 'V':
		return 1, true
	case 'M', 'L', 'T':
		return 2, true
	case 'S', 'Q':
		return 4, true
	case 'C':
		return 6, true
	case 'A':
		return 7, true
	}
	return 0, false
}

func (f *flattener) step() error {
	upper, isRelative := f.command, false
	if upper >= 'a' {
		upper, isRelative = upper-'a'+'A', true
	}
	count, ok := arguments(upper)
	if !ok {
		return fmt.Errorf("there is no command %q", f.command)
	}
	n, err := f.numbers(count)
	if err != nil {
		return err
	}
	from := f.now
	to := func(i int) point {
		if isRelative {
			return point{from.x + n[i], from.y + n[i+1]}
		}
		return point{n[i], n[i+1]}
	}
	switch upper {
	case 'Z':
		f.open.isClosed = true
		if len(f.open.points) > 0 {
			f.now = f.open.points[0]
		}
		f.end()
		f.command = 0 // a number can't follow
	case 'M':
		f.end()
		f.now = to(0)
		f.open.points = []point{f.now}
		f.command-- // further pairs are lines
	case 'L':
		f.line(to(0))
	case 'H', 'V':
		f.line(f.along(upper, n[0], isRelative))
	case 'C':
		f.cubic(to(0), to(2), to(4))
	case 'S':
		f.cubic(f.mirrored('C', 'S'), to(0), to(2))
	case 'Q':
		f.quadratic(to(0), to(2))
	case 'T':
		f.quadratic(f.mirrored('Q', 'T'), to(0))
	case 'A':
		f.arc(n[0], n[1], n[2], n[3] != 0, n[4] != 0, to(5))
	}
	f.before = upper
	return nil
}

func (f *flattener) along(command byte, n float64, isRelative bool) point {
	switch {
	case command == 'H' && isRelative:
		return point{f.now.x + n, f.now.y}
	case command == 'H':
		return point{n, f.now.y}
	case isRelative:
		return point{f.now.x, f.now.y + n}
	default:
		return point{f.now.x, n}
	}
}

// mirrored is the control point of a curve that goes on smoothly.
func (f *flattener) mirrored(after ...byte) point {
	if slices.Contains(after, f.before) {
		return point{2*f.now.x - f.control.x, 2*f.now.y - f.control.y}
	}
	return f.now
}

func (f *flattener) end() {
	if len(f.open.points) > 1 {
		f.pieces = append(f.pieces, f.open)
	}
	f.open = piece{}
}

func (f *flattener) line(to point) {
	if len(f.open.points) == 0 {
		f.open.points = []point{f.now}
	}
	f.open.points = append(f.open.points, to)
	f.now = to
}

func (f *flattener) quadratic(c, to point) {
	from := f.now
	first := point{from.x + 2*(c.x-from.x)/3, from.y + 2*(c.y-from.y)/3}
	second := point{to.x + 2*(c.x-to.x)/3, to.y + 2*(c.y-to.y)/3}
	f.cubic(first, second, to)
	f.control = c
}

func (f *flattener) cubic(c1, c2, to point) {
	from := f.now
	length := distance(from, c1) + distance(c1, c2) + distance(c2, to)
	steps := int(min(max(math.Sqrt(length/f.tolerance)/2, 2), 200))
	for i := 1; i <= steps; i++ {
		t := float64(i) / float64(steps)
		u := 1 - t
		a, b, c, d := u*u*u, 3*u*u*t, 3*u*t*t, t*t*t
		f.line(point{a*from.x + b*c1.x + c*c2.x + d*to.x, a*from.y + b*c1.y + c*c2.y + d*to.y})
	}
	f.control = c2
}

// arc is SVG's elliptical arc, by the formulas of its appendix on arcs.
func (f *flattener) arc(rx, ry, degrees float64, isLarge, isSweep bool, to point) {
	from := f.now
	rx, ry = math.Abs(rx), math.Abs(ry)
	if rx == 0 || ry == 0 || from == to {
		f.line(to)
		return
	}
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	dx, dy := (from.x-to.x)/2, (from.y-to.y)/2
	x, y := cos*dx+sin*dy, -sin*dx+cos*dy
	if over := x*x/(rx*rx) + y*y/(ry*ry); over > 1 {
		rx, ry = rx*math.Sqrt(over), ry*math.Sqrt(over)
	}
	under := rx*rx*y*y + ry*ry*x*x
	root := math.Sqrt(max(0, (rx*rx*ry*ry-under)/under))
	if isLarge == isSweep {
		root = -root
	}
	cx, cy := root*rx*y/ry, -root*ry*x/rx
	centre := point{cos*cx - sin*cy + (from.x+to.x)/2, sin*cx + cos*cy + (from.y+to.y)/2}
	start := math.Atan2((y-cy)/ry, (x-cx)/rx)
	sweep := math.Atan2((-y-cy)/ry, (-x-cx)/rx) - start
	switch {
	case isSweep && sweep < 0:
		sweep += 2 * math.Pi
	case !isSweep && sweep > 0:
		sweep -= 2 * math.Pi
	}
	steps := int(min(max(math.Abs(sweep)*math.Sqrt(math.Max(rx, ry)/f.tolerance), 4), 200))
	for i := 1; i < steps; i++ {
		s, c := math.Sincos(start + sweep*float64(i)/float64(steps))
		f.line(point{centre.x + rx*c*cos - ry*s*sin, centre.y + rx*c*sin + ry*s*cos})
	}
	f.line(to)
}

func distance(a, b point) float64 { return math.Hypot(a.x-b.x, a.y-b.y) }
