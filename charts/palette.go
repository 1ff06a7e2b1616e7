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
