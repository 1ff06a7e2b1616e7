package charts

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// outline is every character that a path may hold.
var outline = regexp.MustCompile(`^[MmLlHhVvCcSsQqTtAaZz0-9eE+\-., ]*$`)

// readSVG reads what ECharts drew. An element that isn't known is an error:
// left out, it would be missing from the picture without a word.
func readSVG(text string) ([]shape, error) {
	r := &svgReader{decoder: xml.NewDecoder(strings.NewReader(text)), within: []matrix{unmoved()}}
	for {
		token, err := r.decoder.Token()
		if errors.Is(err, io.EOF) {
			return r.shapes, nil
		}
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if err := r.start(t); err != nil {
				return nil, fmt.Errorf("element %s: %w", t.Name.Local, err)
			}
		case xml.EndElement:
			r.within = r.within[:len(r.within)-1]
		}
	}
}

type svgReader struct {
	decoder *xml.Decoder
	within  []matrix // of the open elements
	shapes  []shape
}

// start reads an element. The ones that hold no others are read to their end.
func (r *svgReader) start(e xml.StartElement) error {
	attributes := map[string]string{}
	for _, a := range e.Attr {
		attributes[a.Name.Local] = a.Value
	}
	own, err := parseMatrix(attributes["transform"])
	if err != nil {
		return err
	}
	at := own.then(r.within[len(r.within)-1])
	switch e.Name.Local {
	case "svg", "g":
		r.within = append(r.within, at)
		return nil
	case "defs", "style":
		// Styles are for pointers that hover; definitions are clips, which are off.
		return r.decoder.Skip()
	case "path", "rect", "text":
	default:
		return errors.New("is not one that charts are made of")
	}
	s, err := readShape(e.Name.Local, attributes)
	if err != nil {
		return err
	}
	s.at = at
	if e.Name.Local == "text" {
		if s.text, err = r.inside(); err != nil {
			return err
		}
	} else if err := r.decoder.Skip(); err != nil {
		return err
	}
	if s.isSeen() {
		r.shapes = append(r.shapes, s)
	}
	return nil
}

// inside reads the text of an element to its end.
func (r *svgReader) inside() (string, error) {
	var b strings.Builder
	for {
		token, err := r.decoder.Token()
		if err != nil {
			return "", err
		}
		switch t := token.(type) {
		case xml.CharData:
			b.Write(t)
		case xml.EndElement:
			return plain(b.String()), nil
		case xml.StartElement:
			return "", fmt.Errorf("holds %s", t.Name.Local)
		}
	}
}

func readShape(name string, attributes map[string]string) (shape, error) {
	s := shape{size: fontSize, width: 1, cap: "butt", anchor: "start", baseline: "alphabetic"}
	var problems []error
	number := func(key string, into *float64) {
		if text, ok := attributes[key]; ok {
			n, err := parseNumbers(strings.TrimSuffix(text, "px"))
			if err != nil || len(n) != 1 {
				problems = append(problems, fmt.Errorf("%s %q is no number", key, short(text, 40)))
				return
			}
			*into = n[0]
		}
	}
	// zrender writes the font into a style, which a page's policy refuses.
	for declaration := range strings.SplitSeq(attributes["style"], ";") {
		if key, value, ok := strings.Cut(declaration, ":"); ok && strings.TrimSpace(key) == "font-size" {
			attributes["font-size"] = strings.TrimSpace(value)
		}
	}
	number("x", &s.x)
	number("y", &s.y)
	number("font-size", &s.size)
	number("stroke-width", &s.width)
	fillAlpha, strokeAlpha, alpha := 1.0, 1.0, 1.0
	number("fill-opacity", &fillAlpha)
	number("stroke-opacity", &strokeAlpha)
	number("opacity", &alpha)
	fill, ok := attributes["fill"]
	if !ok {
		fill = "#000000"
	}
	var err error
	if s.fill, err = parsePaint(fill); err != nil {
		problems = append(problems, err)
	}
	if s.stroke, err = parsePaint(attributes["stroke"]); err != nil {
		problems = append(problems, err)
	}
	s.fill.alpha *= fillAlpha * alpha
	s.stroke.alpha *= strokeAlpha * alpha
	if s.dash, err = parseNumbers(attributes["stroke-dasharray"]); err != nil {
		problems = append(problems, err)
	}
	s.cap = oneOf(attributes["stroke-linecap"], "butt", "round")
	s.anchor = oneOf(attributes["text-anchor"], "start", "middle", "end")
	s.baseline = oneOf(attributes["dominant-baseline"], "alphabetic", "central", "hanging")
	switch name {
	case "rect":
		var width, height float64
		number("width", &width)
		number("height", &height)
		s.path = fmt.Sprintf("M%g %gL%g %gL%g %gL%g %gZ", s.x, s.y, s.x+width, s.y, s.x+width, s.y+height, s.x, s.y+height)
	case "path":
		s.path = attributes["d"]
		if !outline.MatchString(s.path) {
			problems = append(problems, fmt.Errorf("%q is no path", short(s.path, 60)))
		}
	}
	return s, errors.Join(problems...)
}

// oneOf returns the word if it is one of them, else the first.
func oneOf(word string, words ...string) string {
	for _, w := range words {
		if w == word {
			return w
		}
	}
	return words[0]
}

// writeSVG writes the picture as an element for a page or a file.
func writeSVG(s *Spec, shapes []shape) []byte {
	var b bytes.Buffer
	summary := s.Summary()
	// Several pictures stand in one page, and ids are the page's.
	hash := fnv.New32a()
	_, _ = fmt.Fprint(hash, s.Kind, s.Width, s.Height, summary)
	for i := range shapes {
		_, _ = io.WriteString(hash, shapes[i].path)
	}
	id := strconv.FormatUint(uint64(hash.Sum32()), 36)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-labelledby="ct%s cd%s"`,
		s.Width, s.Height, s.Width, s.Height, id, id)
	fmt.Fprintf(&b, ` font-family="%s" font-size="%d">`, escape(fontFamily), fontSize)
	fmt.Fprintf(&b, "\n<title id=\"ct%s\">%s</title>\n<desc id=\"cd%s\">%s</desc>\n", id, escape(short(s.Title, 200)), id, escape(summary))
	for i := range shapes {
		shapes[i].write(&b)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func (s *shape) write(b *bytes.Buffer) {
	attribute := func(name, value string) { fmt.Fprintf(b, ` %s="%s"`, name, escape(value)) }
	if s.path != "" {
		b.WriteString("<path")
		attribute("d", s.path)
	} else {
		b.WriteString("<text")
		if s.x != 0 {
			attribute("x", brief(s.x))
		}
		if s.y != 0 {
			attribute("y", brief(s.y))
		}
		if s.size != fontSize {
			attribute("font-size", brief(s.size))
		}
		if s.anchor != "start" {
			attribute("text-anchor", s.anchor)
		}
		if s.baseline != "alphabetic" {
			attribute("dominant-baseline", s.baseline)
		}
	}
	switch m := s.at; {
	case m == unmoved():
	case m.a == 1 && m.b == 0 && m.c == 0 && m.d == 1:
		attribute("transform", "translate("+brief(m.e)+" "+brief(m.f)+")")
	default:
		attribute("transform", fmt.Sprintf("matrix(%s %s %s %s %s %s)", brief(m.a), brief(m.b), brief(m.c), brief(m.d), brief(m.e), brief(m.f)))
	}
	s.writePaint(attribute)
	if s.text != "" && s.stroke.alpha > 0 {
		attribute("paint-order", "stroke")
	}
	if s.path != "" {
		b.WriteString("/>\n")
	} else {
		b.WriteString(">" + escape(s.text) + "</text>\n")
	}
}

func (s *shape) writePaint(attribute func(name, value string)) {
	if s.fill.alpha == 0 {
		attribute("fill", "none")
	} else {
		attribute("fill", s.fill.hex())
		if s.fill.alpha < 1 {
			attribute("fill-opacity", brief(s.fill.alpha))
		}
	}
	if s.stroke.alpha == 0 || s.width == 0 {
		return
	}
	attribute("stroke", s.stroke.hex())
	if s.stroke.alpha < 1 {
		attribute("stroke-opacity", brief(s.stroke.alpha))
	}
	if s.width != 1 {
		attribute("stroke-width", brief(s.width))
	}
	if len(s.dash) > 0 {
		words := make([]string, len(s.dash))
		for i, n := range s.dash {
			words[i] = brief(n)
		}
		attribute("stroke-dasharray", strings.Join(words, " "))
	}
	if s.cap != "butt" {
		attribute("stroke-linecap", s.cap)
	}
	attribute("stroke-linejoin", "round")
}

// brief writes a number with at most three decimals.
func brief(x float64) string {
	text := strconv.FormatFloat(x, 'f', 3, 64)
	text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	if text == "-0" || text == "" {
		return "0"
	}
	return text
}

// escape makes text of a text wherever it stands in XML and HTML.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;").Replace(plain(s))
}
