package charts

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files again")

func numbers(list ...float64) []*float64 {
	values := make([]*float64, len(list))
	for i, x := range list {
		if !math.IsNaN(x) {
			values[i] = &x
		}
	}
	return values
}

var gap = math.NaN()

func months(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("%d-%02d", 2025+(i+9)/12, (i+9)%12+1)
	}
	return list
}

// drawn are the charts that tests share.
func drawn() map[string]Spec {
	return map[string]Spec{
		"line": {
			Kind: Line, Title: "Lead-to-customer rate", Unit: "percent", Language: "en", Labels: months(6),
			Series: []Series{
				{
					Name: "This year", Values: numbers(0.12, 0.13, gap, 0.15, 0.14, 0.11),
					Provisional: []bool{false, false, false, false, true, true},
				},
				{Name: "The year before", Values: numbers(0.10, 0.11, 0.12, 0.13, 0.12, 0.12), Dashed: true},
			},
		},
		"bars": {
			Kind: Bars, Title: "预订额", Unit: "currency", Currency: "CNY", Language: "zh-Hans", Labels: months(6),
			Series: []Series{{Name: "预订额", Values: numbers(1.2e6, 1.3e6, gap, 150e3, 140e3, 110e3), Provisional: []bool{false, false, false, false, false, true}}},
		},
		"horizontal": {
			Kind: Bars, Horizontal: true, Title: "按渠道", Unit: "percent", Language: "zh-Hant",
			Labels: []string{"web", "referral", "線索渠道", "blank", "a very long channel name that goes on", "x"},
			Series: []Series{{Name: "線索成交率", Values: numbers(0.12, 0.13, gap, 0.15, 0.14, 0.11)}},
			Width:  360, Height: 240,
		},
		"empty": {Kind: Line, Title: "Nothing", Unit: "count", Labels: months(3), Series: []Series{{Name: "None", Values: numbers(gap, gap, gap)}}},
	}
}

func newRenderer(t testing.TB) *Renderer {
	t.Helper()
	r, err := NewRenderer()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestGoldenSVG(t *testing.T) {
	r := newRenderer(t)
	for name, spec := range drawn() {
		t.Run(name, func(t *testing.T) {
			got, err := r.SVG(t.Context(), spec)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", name+".svg")
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s differs from what is drawn now; look at it and renew it by -update\n%s", path, got)
			}
		})
	}
}

func TestSVGIsPlain(t *testing.T) {
	r := newRenderer(t)
	hostile := []string{
		"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "'); drop table x; --", strings.Repeat("x", 10_000), strings.Repeat("測", 10_000),
		"שלום עולם", "\u202Eevil\u202C", "مرحبا", "a\x00b\x07\nc", "{a} {b} {c}", "{value}", "]]>", "&lt;", "\xff\xfe", "", "e\u0301", "😀",
	}
	for _, spec := range []Spec{
		{Kind: Line, Labels: hostile},
		{Kind: Bars, Labels: hostile},
		{Kind: Bars, Horizontal: true, Labels: hostile, Height: 600},
	} {
		spec.Title, spec.Unit, spec.Currency = hostile[0]+hostile[1]+hostile[3], "currency", `"><b>`
		for i, h := range hostile {
			if spec.Kind == Bars && i%5 != 0 {
				continue // many bars are slow to draw and show nothing more
			}
			values := make([]*float64, len(hostile))
			for j := range values {
				values[j] = new(float64(j + 1))
			}
			spec.Series = append(spec.Series, Series{Name: h, Values: values})
		}
		got, err := r.SVG(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		checkPlain(t, got)
		if len(got) > 400_000 {
			t.Errorf("%s: long labels make %d bytes", spec.Kind, len(got))
		}
		if _, err := r.PNG(t.Context(), spec, 1); err != nil {
			t.Error(err)
		}
		option, err := spec.Option()
		if err != nil {
			t.Fatal(err)
		}
		if bytes.ContainsAny(option, "<>&") {
			t.Errorf("%s: the option can't stand in a page as it is", spec.Kind)
		}
	}
}

// checkPlain proves that a picture holds nothing but shapes and text.
func checkPlain(t *testing.T, svg []byte) {
	t.Helper()
	elements := map[string]bool{"svg": true, "title": true, "desc": true, "path": true, "text": true}
	attributes := map[string]bool{
		"xmlns": true, "width": true, "height": true, "viewBox": true, "role": true, "aria-labelledby": true, "font-family": true, "font-size": true,
		"id": true, "d": true, "x": true, "y": true, "text-anchor": true, "dominant-baseline": true, "transform": true, "fill": true, "fill-opacity": true,
		"stroke": true, "stroke-opacity": true, "stroke-width": true, "stroke-dasharray": true, "stroke-linecap": true, "stroke-linejoin": true, "paint-order": true,
	}
	decoder := xml.NewDecoder(bytes.NewReader(svg))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("it is no XML: %v", err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if !elements[start.Name.Local] {
			t.Errorf("it holds <%s>", start.Name.Local)
		}
		for _, a := range start.Attr {
			if !attributes[a.Name.Local] {
				t.Errorf("<%s> has %s=%q", start.Name.Local, a.Name.Local, a.Value)
			}
		}
	}
}

func TestBarsStartAtZero(t *testing.T) {
	for _, isHorizontal := range []bool{false, true} {
		for _, values := range [][]*float64{
			numbers(11, 12, 13), numbers(0.995, 0.999, 0.998), numbers(1e9, 1.001e9, 1.002e9), numbers(-11, -12, -13), numbers(-5, 5, 0), numbers(0, 0, 0), numbers(7, 7, 7),
			numbers(gap, gap, gap), numbers(5e-7, 6e-7, 7e-7),
		} {
			spec := Spec{Kind: Bars, Horizontal: isHorizontal, Unit: "number", Labels: months(3), Series: []Series{{Name: "x", Values: values}}}
			low, high, step := valueRange(t, spec)
			if low > 0 || high < 0 || low == high || step <= 0 {
				t.Errorf("%v: the axis goes from %v to %v by %v", values, low, high, step)
			}
		}
	}
}

func valueRange(t *testing.T, spec Spec) (low, high, step float64) {
	t.Helper()
	data, err := spec.Option()
	if err != nil {
		t.Fatal(err)
	}
	var option map[string]any
	if err := json.Unmarshal(data, &option); err != nil {
		t.Fatal(err)
	}
	key := "yAxis"
	if spec.isHorizontal() {
		key = "xAxis"
	}
	axis, _ := option[key].(map[string]any)
	low, _ = axis["min"].(float64)
	high, _ = axis["max"].(float64)
	step, _ = axis["interval"].(float64)
	return low, high, step
}

func TestAxis(t *testing.T) {
	for _, c := range []struct {
		values          []*float64
		unit, language  string
		low, high, step float64
		suffix          string
	}{
		{numbers(0.81, 0.84, 0.99), "percent", "en", 80, 100, 5, " %"},
		{numbers(0.99, 1), "percent", "en", 99, 100, 0.2, " %"},
		{numbers(0.2, 1.3), "percent", "en", 0, 150, 50, " %"},
		{numbers(0, 0), "percent", "en", 0, 100, 20, " %"},
		{numbers(1, 2), "count", "en", 0, 2, 1, ""},
		{numbers(950, 1000), "count", "en", 950, 1000, 10, ""},
		{numbers(0, 45_000), "count", "en", 0, 50, 10, " k"},
		{numbers(0, 45_000), "count", "zh-Hans", 0, 5, 1, " 万"},
		{numbers(0, 3.2e6), "currency", "en", 0, 4, 1, " M"},
		{numbers(0, 3.2e8), "currency", "zh-Hant", 0, 4, 1, " 億"},
		{numbers(-0.2, 0.4), "number", "en", -0.2, 0.4, 0.2, ""},
	} {
		spec := Spec{Kind: Line, Unit: c.unit, Language: c.language, Labels: months(len(c.values)), Series: []Series{{Values: c.values}}}
		a := spec.axisOf()
		if a.low != c.low || a.high != c.high || a.step != c.step || a.suffix != c.suffix {
			low, high, _ := spec.extent()
			t.Errorf("%v to %v %s: the axis goes from %v to %v by %v%s, want %v to %v by %v%s",
				low, high, c.unit, a.low, a.high, a.step, a.suffix, c.low, c.high, c.step, c.suffix)
		}
	}
}

func TestWrongSpecs(t *testing.T) {
	for name, spec := range map[string]Spec{
		"kind":   {Kind: "pie"},
		"size":   {Kind: Line, Width: 10},
		"large":  {Kind: Line, Width: 100_000, Height: 100_000},
		"length": {Kind: Line, Labels: months(3), Series: []Series{{Values: numbers(1)}}},
		"number": {Kind: Line, Labels: months(1), Series: []Series{{Values: []*float64{new(math.Inf(1))}}}},
		"points": {Kind: Line, Labels: make([]string, 20_000)},
	} {
		if _, err := spec.Option(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestFormatValue(t *testing.T) {
	for _, c := range []struct {
		value                    *float64
		unit, currency, language string
		want                     string
	}{
		{nil, "percent", "", "en", "–"},
		{new(math.NaN()), "count", "", "en", "–"},
		{new(0.1234), "percent", "", "en", "12.3 %"},
		{new(0.1234), "percent", "", "zh-Hans", "12.3 %"},
		{new(-0.0001), "percent", "", "en", "0.0 %"},
		{new(-0.05), "percent", "", "en", "−5.0 %"},
		{new(1.0), "percent", "", "en", "100.0 %"},
		{new(1234567.0), "count", "", "en", "1,234,567"},
		{new(999.0), "count", "", "en", "999"},
		{new(12.5), "days", "", "en", "12.5 days"},
		{new(12.5), "days", "", "zh-Hans", "12.5 天"},
		{new(3.0), "hours", "", "zh-Hant", "3.0 小時"},
		{new(1500.25), "minutes", "", "en", "1,500.2 min"},
		{new(1234567.89), "currency", "CNY", "en", "CNY 1,234,568"},
		{new(12.5), "currency", "CNY", "zh-Hans", "CNY 12.50"},
		{new(-1234.0), "currency", "", "en", "−1,234"},
		{new(42.04), "points", "", "en", "42.0"},
		{new(0.8333), "number", "", "en", "0.83"},
		{new(0.01234), "number", "", "en", "0.0123"},
		{new(12.345), "number", "", "en", "12.3"},
		{new(1234.5), "number", "", "en", "1,234"},
		{new(3.0), "number", "", "en", "3"},
	} {
		if got := FormatValue(c.value, c.unit, c.currency, c.language); got != c.want {
			t.Errorf("%v %s %s: %q, want %q", c.value, c.unit, c.language, got, c.want)
		}
	}
}

func TestFormatChange(t *testing.T) {
	for _, c := range []struct {
		now, before    *float64
		unit, language string
		want           string
	}{
		{new(0.123), new(0.111), "percent", "en", "+1.2 pp"},
		{new(0.111), new(0.123), "percent", "zh-Hans", "−1.2 个百分点"},
		{new(0.1), new(0.1), "percent", "zh-Hant", "±0.0 個百分點"},
		{new(0.1), new(0.10001), "percent", "en", "±0.0 pp"},
		{new(120.0), new(100.0), "count", "en", "+20.0 %"},
		{new(50.0), new(100.0), "currency", "en", "−50.0 %"},
		{new(-50.0), new(-100.0), "currency", "en", "+50.0 %"},
		{new(5.0), new(0.0), "count", "en", "+5"},
		{new(0.0), new(0.0), "count", "en", "±0"},
		{new(42.0), new(40.5), "points", "en", "+1.5"},
		{nil, new(1.0), "count", "en", "–"},
		{new(1.0), nil, "count", "en", "–"},
	} {
		if got := FormatChange(c.now, c.before, c.unit, "", c.language); got != c.want {
			t.Errorf("%v after %v %s: %q, want %q", c.now, c.before, c.unit, got, c.want)
		}
	}
}

func TestSummary(t *testing.T) {
	spec := drawn()["line"]
	want := "Lead-to-customer rate. This year: 2025-10 12.0 % to 2026-03 11.0 %; lowest 11.0 % (2026-03), highest 15.0 % (2026-01). " +
		"The year before: 2025-10 10.0 % to 2026-03 12.0 %; lowest 10.0 % (2025-10), highest 13.0 % (2026-01)"
	if got := spec.Summary(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
