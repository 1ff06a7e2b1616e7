package charts

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// fontFamily names what readers' systems have; the server's own pictures are
// written in the one font that they carry.
const fontFamily = "system-ui, 'Segoe UI', Roboto, 'PingFang SC', 'PingFang TC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'Noto Sans SC', sans-serif"

const (
	fontSize    = 12
	columnWidth = 6.8 // pixels of one column of text, about
	lineHeight  = 20  // of one row of the legend
)

type object = map[string]any

// Option is the ECharts option of the chart, as JSON without <, > and &. It
// holds no function: what differs by language is written into it, and every
// point carries the text that a tooltip shows.
func (s Spec) Option() ([]byte, error) {
	option, err := s.option()
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(option)
	if err != nil {
		return nil, fmt.Errorf("chart %s: %w", short(s.Title, 60), err)
	}
	return data, nil
}

func (s *Spec) option() (object, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	p := newPlot(s)
	legend, rows := p.legend()
	option := object{
		"animation": false,
		"aria":      object{"enabled": true, "label": object{"description": s.Summary()}},
		"textStyle": object{"fontFamily": fontFamily, "fontSize": fontSize, "color": inkColor},
		"color":     seriesColors(),
		"legend":    legend,
		"tooltip":   object{"trigger": "axis", "confine": true, "transitionDuration": 0},
		"grid":      p.grid(rows),
		"series":    p.series(),
	}
	if s.isHorizontal() {
		option["xAxis"], option["yAxis"] = p.valueAxis(), p.categoryAxis()
	} else {
		option["xAxis"], option["yAxis"] = p.categoryAxis(), p.valueAxis()
	}
	return option, nil
}

func (s *Spec) isHorizontal() bool { return s.Kind == Bars && s.Horizontal }

// plot is a checked spec with what is asked of it for every point.
type plot struct {
	*Spec
	axis       axis
	names      []string // of the series, each once
	main       int      // the series that carries labels; -1: none does
	isLabelled bool
}

func newPlot(s *Spec) *plot {
	p := &plot{Spec: s, axis: s.axisOf(), main: s.main()}
	p.names = p.distinctNames()
	p.isLabelled = p.labelled()
	return p
}

// labelLimit is the widest label of the category axis, in columns.
func (p *plot) labelLimit() int {
	if p.isHorizontal() {
		return max(8, min(32, int(float64(p.Width)*0.38/columnWidth)))
	}
	return 16
}

func (p *plot) categoryAxis() object {
	labels := make([]string, len(p.Labels))
	for i, l := range p.Labels {
		labels[i] = short(l, p.labelLimit())
	}
	return object{
		"type":        "category",
		"data":        labels,
		"boundaryGap": true,
		"inverse":     p.isHorizontal(),
		"axisTick":    object{"show": false},
		"axisLine":    object{"lineStyle": object{"color": axisColor}, "onZero": true},
		"axisLabel":   object{"color": inkColor, "fontSize": fontSize, "hideOverlap": true},
	}
}

func (p *plot) valueAxis() object {
	return object{
		"type":      "value",
		"min":       p.axis.low,
		"max":       p.axis.high,
		"interval":  p.axis.step,
		"axisLine":  object{"show": false},
		"axisTick":  object{"show": false},
		"axisLabel": object{"color": inkColor, "fontSize": fontSize, "formatter": "{value}" + p.axis.suffix, "hideOverlap": true},
		"splitLine": object{"lineStyle": object{"color": gridColor}},
	}
}

// grid leaves room for the labels around the drawing. It is counted and not
// left to ECharts, which would measure text otherwise here than in a browser.
func (p *plot) grid(legendRows int) object {
	top, right, bottom, left := 16.0+lineHeight*float64(legendRows), 20.0, 28.0, float64(p.axis.labelColumns)*columnWidth+14
	if legendRows > 0 {
		top += 6
	}
	if p.isHorizontal() {
		widest := 0
		for _, l := range p.Labels {
			widest = max(widest, columns(short(l, p.labelLimit())))
		}
		left = float64(widest)*columnWidth + 16
		top -= 10
	}
	if p.isLabelled {
		widest := 0
		for _, v := range p.texts(&p.Series[p.main]) {
			widest = max(widest, columns(v))
		}
		switch {
		case p.isHorizontal():
			right = float64(widest)*columnWidth + 14
		case p.Kind == Line:
			right = math.Max(right, float64(widest)*columnWidth/2+6)
			top += 6
		default:
			top += 8
		}
	}
	return object{"top": top, "right": right, "bottom": bottom, "left": left, "outerBoundsMode": "none"}
}

// texts are a series' values as people read them.
func (p *plot) texts(series *Series) []string {
	all := make([]string, len(series.Values))
	for i, v := range series.Values {
		all[i] = FormatValue(v, p.Unit, p.Currency, p.Language)
	}
	return all
}

// main is the series that carries labels: the only one that is no comparison;
// -1 where there are several or none.
func (s *Spec) main() int {
	found := -1
	for i := range s.Series {
		if s.Series[i].Dashed {
			continue
		}
		if found >= 0 {
			return -1
		}
		found = i
	}
	return found
}

// labelled tells whether values are written into the picture: the last of a
// line, and every bar as long as they don't run into each other.
func (p *plot) labelled() bool {
	if p.main < 0 || len(p.Labels) == 0 {
		return false
	}
	if p.Kind == Line {
		return true
	}
	if len(p.Series) > 1 {
		return false
	}
	if p.isHorizontal() {
		return len(p.Labels)*16 <= p.Height
	}
	widest := 0
	for _, text := range p.texts(&p.Series[p.main]) {
		widest = max(widest, columns(text))
	}
	room := (float64(p.Width) - float64(p.axis.labelColumns)*columnWidth - 34) / float64(len(p.Labels))
	return float64(widest)*columnWidth+4 <= room
}

// legend names the series where there are several, and in how many rows.
func (p *plot) legend() (legend object, rows int) {
	if len(p.Series) < 2 {
		return object{"show": false}, 0
	}
	const icon, gap = 24, 14
	used, rows := 0.0, 1
	for _, name := range p.names {
		needed := icon + 5 + float64(columns(name))*columnWidth + gap
		if used > 0 && used+needed > float64(p.Width)-8 {
			rows, used = rows+1, 0
		}
		used += needed
	}
	return object{
		"show": true, "data": p.names, "top": 0, "left": 0, "padding": []int{2, 4}, "itemGap": gap, "itemWidth": icon, "itemHeight": 10,
		"selectedMode": false, "textStyle": object{"color": inkColor, "fontSize": fontSize},
	}, rows
}

// distinctNames are the series' names in the picture. Two of one name would be
// one series to ECharts.
func (p *plot) distinctNames() []string {
	names := make([]string, len(p.Series))
	for i, series := range p.Series {
		name := short(series.Name, 28)
		switch {
		case name == "":
			names[i] = fmt.Sprintf("(%d)", i+1)
		case slices.Contains(names[:i], name):
			names[i] = fmt.Sprintf("%s (%d)", name, i+1)
		default:
			names[i] = name
		}
	}
	return names
}
