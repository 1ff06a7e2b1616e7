package charts

import "math"

// outlines turns lines into the areas that a pen of their width covers, with
// round joins. All areas turn the same way, so that where they overlap they
// add to one area and not to a hole.
func outlines(pieces []piece, s *shape) []piece {
	var areas []piece
	for _, p := range pieces {
		points := p.points
		if p.isClosed && points[0] != points[len(points)-1] {
			points = append(append([]point{}, points...), points[0])
		}
		for _, run := range dashed(points, s.dash) {
			areas = append(areas, pen(run, s.width/2, s.cap == "round" || p.isClosed && len(s.dash) == 0)...)
		}
	}
	return areas
}

// pen covers one run of lines.
func pen(points []point, radius float64, isRound bool) []piece {
	var areas []piece
	for i, p := range points {
		isEnd := i == 0 || i == len(points)-1
		if radius > 0.4 && (!isEnd || isRound) {
			areas = append(areas, disc(p, radius))
		}
		if i == 0 {
			continue
		}
		from := points[i-1]
		length := distance(from, p)
		if length == 0 {
			continue
		}
		nx, ny := -(p.y-from.y)/length*radius, (p.x-from.x)/length*radius
		areas = append(areas, piece{points: []point{
			{from.x - nx, from.y - ny},
			{p.x - nx, p.y - ny},
			{p.x + nx, p.y + ny},
			{from.x + nx, from.y + ny},
		}, isClosed: true})
	}
	return areas
}

func disc(centre point, radius float64) piece {
	const corners = 20
	points := make([]point, corners)
	for i := range points {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / corners)
		points[i] = point{centre.x + radius*cos, centre.y + radius*sin}
	}
	return piece{points: points, isClosed: true}
}

// dashed cuts lines into dashes. A pattern of nothing would never end.
func dashed(points []point, pattern []float64) [][]point {
	total := 0.0
	for _, n := range pattern {
		total += math.Max(n, 0)
	}
	if total < 0.1 {
		return [][]point{points}
	}
	if len(pattern)%2 == 1 {
		pattern = append(append([]float64{}, pattern...), pattern...)
	}
	var runs [][]point
	i, left := 0, math.Max(pattern[0], 0)
	run := []point{points[0]}
	for k := 1; k < len(points); k++ {
		from, to := points[k-1], points[k]
		rest := distance(from, to)
		for rest > left {
			t := left / rest
			from = point{from.x + (to.x-from.x)*t, from.y + (to.y-from.y)*t}
			rest -= left
			if i%2 == 0 {
				runs = append(runs, append(run, from))
			}
			run = []point{from}
			i++
			left = math.Max(pattern[i%len(pattern)], 0)
			if left == 0 {
				left = 1e-3
			}
		}
		left -= rest
		run = append(run, to)
	}
	if i%2 == 0 && len(run) > 1 {
		runs = append(runs, run)
	}
	return runs
}
