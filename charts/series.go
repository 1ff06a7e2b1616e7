package charts

// series are ECharts' series. A line with provisional values becomes two of one
// name: what is settled, and dotted what may still change.
func (p *plot) series() []object {
	list := []object{}
	for i := range p.Series {
		if p.Kind == Bars {
			list = append(list, p.bars(i))
			continue
		}
		list = append(list, p.lines(i)...)
	}
	return list
}

func (p *plot) color(i int) string {
	if p.Series[i].Dashed {
		return secondColor
	}
	n := 0
	for j := range i {
		if !p.Series[j].Dashed {
			n++
		}
	}
	all := seriesColors()
	return all[n%len(all)]
}

// point is one value with the text that a tooltip shows.
func (p *plot) point(v *float64) object {
	return object{"value": tidy(*v * p.axis.factor), "text": FormatValue(v, p.Unit, p.Currency, p.Language)}
}

func (p *plot) bars(i int) object {
	series := &p.Series[i]
	color := p.color(i)
	data := make([]any, len(series.Values))
	for j, v := range series.Values {
		if v == nil {
			continue
		}
		point := p.point(v)
		if p.isLabelled {
			position := "top"
			switch {
			case p.isHorizontal() && *v < 0:
				position = "left"
			case p.isHorizontal():
				position = "right"
			case *v < 0:
				position = "bottom"
			}
			point["label"] = p.text(point, position)
		}
		if series.provisional(j) {
			point["itemStyle"] = object{"color": pale(color)}
		}
		data[j] = point
	}
	style := object{"color": color}
	if series.Dashed {
		style = object{"color": paperColor, "borderColor": color, "borderWidth": 1.5, "borderType": []int{4, 3}}
	}
	return object{
		"type": "bar", "name": p.names[i], "data": data, "itemStyle": style,
		"barMaxWidth": 36, "barGap": "10%", "barCategoryGap": "35%", "emphasis": object{"disabled": true}, "clip": false,
	}
}

// text writes a value into the picture. Its braces would be a template's.
func (p *plot) text(point object, position string) object {
	return object{
		"show": true, "position": position, "distance": 6, "formatter": point["text"], "color": inkColor, "fontSize": fontSize,
		"textBorderColor": paperColor, "textBorderWidth": 3, // a line may pass behind it
	}
}

func (p *plot) lines(i int) []object {
	series := &p.Series[i]
	settled, open := make([]any, len(series.Values)), make([]any, len(series.Values))
	labelled, isOpen := -1, false
	for j, v := range series.Values {
		if v == nil {
			continue
		}
		point := p.point(v)
		switch {
		case !series.provisional(j):
			settled[j], labelled = point, j
			if p.besideProvisional(series, j) {
				// The end of a dotted piece. It has no text, and so no tooltip of its own.
				open[j] = object{"value": point["value"], "symbol": "none"}
			}
		default:
			point["itemStyle"] = object{"color": paperColor, "borderColor": p.color(i), "borderWidth": 2}
			open[j], isOpen = point, true
		}
	}
	// The last value that stays is the one to read.
	if end, ok := at(settled, labelled); ok && p.main == i {
		end["label"] = p.text(end, p.besideLine(series, labelled))
	}
	list := []object{p.line(i, settled, "solid")}
	if isOpen {
		list = append(list, p.line(i, open, "dotted"))
	}
	return list
}

func at(data []any, i int) (point object, ok bool) {
	if i < 0 {
		return nil, false
	}
	point, ok = data[i].(object)
	return point, ok
}

// besideLine is the side of the last point on which its line doesn't come in.
func (p *plot) besideLine(series *Series, last int) string {
	isThere := func(i int) bool { return i >= 0 && i < len(series.Values) && series.Values[i] != nil }
	isHigher := func(i int) bool { return isThere(i) && *series.Values[i] > *series.Values[last] }
	isValley := isHigher(last-1) && (!isThere(last+1) || isHigher(last+1))
	isLow := *series.Values[last]*p.axis.factor < p.axis.low+0.12*(p.axis.high-p.axis.low)
	if isValley && !isLow {
		return "bottom"
	}
	return "top"
}

// besideProvisional tells whether the line goes on from j to a value that may
// still change.
func (p *plot) besideProvisional(series *Series, j int) bool {
	for _, k := range []int{j - 1, j + 1} {
		if k >= 0 && k < len(series.Values) && series.Values[k] != nil && series.provisional(k) {
			return true
		}
	}
	return false
}

func (p *plot) line(i int, data []any, form string) object {
	series := &p.Series[i]
	marks := symbols()
	style := object{"color": p.color(i), "width": 2.5, "type": "solid"}
	size := 6
	switch {
	case series.Dashed:
		style["type"], style["width"], size = []int{6, 4}, 1.75, 4
	case form == "dotted":
		style["type"], style["cap"] = []int{1, 4}, "round"
	}
	if len(p.Labels) > 40 {
		size = 0
	}
	z := 3
	if series.Dashed {
		z = 2
	}
	return object{
		"type": "line", "name": p.names[i], "data": data, "lineStyle": style, "itemStyle": object{"color": p.color(i)},
		"symbol": marks[i%len(marks)], "symbolSize": size, "showSymbol": size > 0, "connectNulls": false, "z": z,
		"emphasis": object{"disabled": true}, "clip": false,
	}
}
