package charts

// The colours of a picture on white. Each series colour has a contrast of 3 or
// more to white, and any two can be told apart with the common forms of colour
// blindness; a page has a dark counterpart for each.
const (
	inkColor    = "#50565f" // text
	gridColor   = "#e2e5ea"
	axisColor   = "#9aa1ab"
	paperColor  = "#ffffff"
	secondColor = "#7b828c" // what is compared with
)

// seriesColors are the colours of series, in order; the ninth begins again.
func seriesColors() []string {
	return []string{"#0068b3", "#d0570a", "#00876a", "#a84a93", "#5a2408", "#1b2a6b", "#8b2fd6", "#6f7d8c"}
}

// symbols mark the points of lines, so that series differ by more than colour.
func symbols() []string { return []string{"circle", "rect", "triangle", "diamond", "roundRect"} }

// Dark is each colour's counterpart on a dark page, by the colour in a picture.
func Dark() map[string]string {
	dark := map[string]string{
		inkColor: "#a9b3c0", gridColor: "#2a323c", axisColor: "#5d6875", paperColor: "#171c23", secondColor: "#8b95a1",
	}
	for i, color := range []string{"#55aaf2", "#ff9a5c", "#3ccba5", "#e391cd", "#cf9f80", "#9aa8ff", "#c08bff", "#a3b1c0"} {
		dark[seriesColors()[i]] = color
	}
	for _, color := range seriesColors() {
		dark[pale(color)] = mix(dark[color], dark[paperColor])
	}
	return dark
}

// pale is a colour for what may still change. It is no transparent one: the
// lines behind would show.
func pale(color string) string { return mix(color, paperColor) }

// mix is the colour between two.
func mix(a, b string) string {
	p, errA := parsePaint(a)
	q, errB := parsePaint(b)
	if errA != nil || errB != nil {
		return a
	}
	middle := func(x, y uint8) uint8 { return uint8((int(x)*9 + int(y)*11) / 20) }
	return paint{red: middle(p.red, q.red), green: middle(p.green, q.green), blue: middle(p.blue, q.blue)}.hex()
}
