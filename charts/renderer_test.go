package charts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"sync"
	"testing"
)

func drawPNG(t *testing.T, r *Renderer, spec Spec, scale float64) image.Image {
	t.Helper()
	data, err := r.PNG(t.Context(), spec, scale)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// shares is how much of a picture each colour takes.
func shares(img image.Image) map[color.RGBA]float64 {
	counts := map[color.RGBA]float64{}
	b := img.Bounds()
	all := float64(b.Dx() * b.Dy())
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c, _ := color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)
			counts[c] += 1 / all
		}
	}
	return counts
}

func TestPNG(t *testing.T) {
	r := newRenderer(t)
	for name, spec := range drawn() {
		t.Run(name, func(t *testing.T) {
			img := drawPNG(t, r, spec, 2)
			if err := spec.check(); err != nil {
				t.Fatal(err)
			}
			if size := img.Bounds().Size(); size != (image.Point{X: 2 * spec.Width, Y: 2 * spec.Height}) {
				t.Errorf("the picture is %v", size)
			}
			colors := shares(img)
			if white := colors[color.RGBA{255, 255, 255, 255}]; white < 0.3 || white > 0.995 {
				t.Errorf("%.1f %% of the picture is white", 100*white)
			}
			for c, share := range colors {
				if c.R < 40 && c.G < 40 && c.B < 40 && share > 0.0005 {
					t.Errorf("%.2f %% of the picture is black: %v", 100*share, c)
				}
			}
			if name == "empty" {
				return
			}
			series, err := parsePaint(seriesColors()[0])
			if err != nil {
				t.Fatal(err)
			}
			if colors[color.RGBA{series.red, series.green, series.blue, 255}] < 0.0005 {
				t.Error("the first series is not in the picture")
			}
		})
	}
}

// TestTransparentFill: a rasteriser that doesn't know fill-opacity shows black
// boxes.
func TestTransparentFill(t *testing.T) {
	shapes, err := readSVG(`<svg><path d="M0 0L100 0L100 100L0 100Z" fill="rgb(0,0,0)" fill-opacity="0"/>` +
		`<rect x="10" y="10" width="50" height="50" fill="#000" fill-opacity="0.5"/></svg>`)
	if err != nil {
		t.Fatal(err)
	}
	if len(shapes) != 1 {
		t.Fatalf("%d shapes", len(shapes))
	}
	data, err := newRenderer(t).typeset.png(shapes, 100, 100, 1)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if r, _, _, _ := img.At(5, 5).RGBA(); r != 0xffff {
		t.Errorf("a fill of opacity 0 shows: %x", r)
	}
	if r, _, _, _ := img.At(30, 30).RGBA(); r < 0x7000 || r > 0x9000 {
		t.Errorf("a fill of opacity 0.5 is %x", r)
	}
}

func TestUnknownElementIsAnError(t *testing.T) {
	for _, text := range []string{
		`<svg><image href="x"/></svg>`, `<svg><text>a<tspan>b</tspan></text></svg>`, `<svg><path d="url(x)"/></svg>`, `<svg><path fill="url(#a)" d="M0 0"/></svg>`,
		`<svg><path transform="skewX(3)"/></svg>`, `<svg><rect width="a"/></svg>`, `<svg>`,
	} {
		if _, err := readSVG(text); err == nil {
			t.Errorf("%s: no error", text)
		}
	}
}

func TestFontHasTheLetters(t *testing.T) {
	tf, err := newTypeface(fontFile)
	if err != nil {
		t.Fatal(err)
	}
	const letters = "AZaz09äöüßéñ –—…±−≥×€¥$%線索成交率测试體驗產品轉化質量客戶滿意度市場佔有率準時交付缺陷密度预订额萬亿，。（）：；"
	for _, r := range letters {
		index, err := tf.font.GlyphIndex(&tf.buffer, r)
		if err != nil || index == 0 {
			t.Errorf("the font has no %q: %v", r, err)
		}
	}
	// Two letters that the font has differ, so neither is the box for a missing one.
	a, errA := tf.outline(&shape{text: "線", size: 12}, 1)
	b, errB := tf.outline(&shape{text: "索", size: 12}, 1)
	box, errC := tf.outline(&shape{text: "\U0001F600", size: 12}, 1)
	if err := errors.Join(errA, errB, errC); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(a) == fmt.Sprint(b) || fmt.Sprint(a) == fmt.Sprint(box) || fmt.Sprint(b) == fmt.Sprint(box) {
		t.Error("Chinese letters come out as boxes")
	}
}

func TestConcurrentDrawing(t *testing.T) {
	r := newRenderer(t)
	want, err := r.SVG(t.Context(), drawn()["line"])
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			spec := drawn()["line"]
			if i%2 == 0 {
				if _, err := r.PNG(t.Context(), spec, 1); err != nil {
					t.Error(err)
				}
				return
			}
			got, err := r.SVG(t.Context(), spec)
			if err != nil {
				t.Error(err)
			}
			if !bytes.Equal(got, want) {
				t.Error("the same chart came out otherwise")
			}
		})
	}
	group.Wait()
}

// TestBrokenOff: a chart that is given up leaves nothing behind for the next.
func TestBrokenOff(t *testing.T) {
	r := newRenderer(t)
	want, err := r.SVG(t.Context(), drawn()["bars"])
	if err != nil {
		t.Fatal(err)
	}
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.SVG(done, drawn()["line"]); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of its context: %v", err)
	}
	large := Spec{Kind: Line, Labels: make([]string, 5000), Width: 4000}
	for i := range large.Labels {
		large.Labels[i] = fmt.Sprint(i)
	}
	large.Series = []Series{{Values: make([]*float64, 5000)}}
	for i := range large.Series[0].Values {
		large.Series[0].Values[i] = new(math.Sin(float64(i)))
	}
	brief, cancel := context.WithTimeout(t.Context(), 1)
	defer cancel()
	if _, err := r.SVG(brief, large); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("after its time: %v", err)
	}
	got, err := r.SVG(t.Context(), drawn()["bars"])
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("the chart after one that was broken off came out otherwise")
	}
}

func TestDashesAndArcs(t *testing.T) {
	for _, text := range []string{"M0 0A5 5 0 1 1 10 0", "M0 0a5 5 0 0 0 3 3z", "M0 0h5v5H0V0z", "M0 0C1 1 2 2 3 3S4 4 5 5Q6 6 7 7T8 8", "M1-2.5.5e1,3", "M0 0A0 5 0 0 0 1 1"} {
		pieces, err := flatten(text, 2)
		if err != nil || len(pieces) == 0 {
			t.Errorf("%s: %v %v", text, pieces, err)
		}
	}
	for _, text := range []string{"1 2", "M", "M1", "M0 0L", "M0 0Z5", "M0 0A1 1", "X", "M0 0Lnan nan"} {
		if _, err := flatten(text, 2); err == nil {
			t.Errorf("%s: no error", text)
		}
	}
	if n := len(dashed([]point{{0, 0}, {100, 0}}, []float64{6, 4})); n != 10 {
		t.Errorf("%d dashes", n)
	}
	if n := len(dashed([]point{{0, 0}, {100, 0}}, []float64{0, 0})); n != 1 {
		t.Errorf("%d runs of a pattern of nothing", n)
	}
}

// TestPalette holds series apart for eyes that see red, green or blue less,
// by the matrices of Machado, Oliveira and Fernandes (2009) at full severity.
func TestPalette(t *testing.T) {
	views := map[string][9]float64{
		"full":   {1, 0, 0, 0, 1, 0, 0, 0, 1},
		"protan": {0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998},
		"deutan": {0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.011820, 0.042940, 0.968881},
		"tritan": {1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.303900},
	}
	all := seriesColors()
	for view, m := range views {
		for i := range all {
			if ratio := 1.05 / (luminance(linear(t, all[i])) + 0.05); ratio < 3 {
				t.Errorf("%s has a contrast of %.1f to white", all[i], ratio)
			}
			for j := range i {
				// The first five stand beside each other in most charts.
				least := 12.0
				if i >= 5 {
					least = 6
				}
				if d := labDistance(see(m, linear(t, all[i])), see(m, linear(t, all[j]))); d < least {
					t.Errorf("%s: %s and %s are %.1f apart", view, all[i], all[j], d)
				}
			}
		}
	}
}

func linear(t *testing.T, hex string) [3]float64 {
	t.Helper()
	p, err := parsePaint(hex)
	if err != nil {
		t.Fatal(err)
	}
	var out [3]float64
	for i, c := range []uint8{p.red, p.green, p.blue} {
		x := float64(c) / 255
		if x <= 0.04045 {
			out[i] = x / 12.92
		} else {
			out[i] = math.Pow((x+0.055)/1.055, 2.4)
		}
	}
	return out
}

func luminance(c [3]float64) float64 { return 0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2] }

func see(m [9]float64, c [3]float64) [3]float64 {
	var out [3]float64
	for i := range out {
		out[i] = min(max(m[3*i]*c[0]+m[3*i+1]*c[1]+m[3*i+2]*c[2], 0), 1)
	}
	return out
}

// labDistance is the distance in CIE L*a*b*.
func labDistance(a, b [3]float64) float64 {
	x, y := lab(a), lab(b)
	return math.Sqrt((x[0]-y[0])*(x[0]-y[0]) + (x[1]-y[1])*(x[1]-y[1]) + (x[2]-y[2])*(x[2]-y[2]))
}

func lab(c [3]float64) [3]float64 {
	f := func(t float64) float64 {
		if t > 216.0/24389 {
			return math.Cbrt(t)
		}
		return (24389.0/27*t + 16) / 116
	}
	x := f((0.4124*c[0] + 0.3576*c[1] + 0.1805*c[2]) / 0.9505)
	y := f(luminance(c))
	z := f((0.0193*c[0] + 0.1192*c[1] + 0.9505*c[2]) / 1.089)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

func BenchmarkSVG(b *testing.B) {
	r := newRenderer(b)
	for b.Loop() {
		if _, err := r.SVG(b.Context(), drawn()["line"]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPNG(b *testing.B) {
	r := newRenderer(b)
	for b.Loop() {
		if _, err := r.PNG(b.Context(), drawn()["line"], 2); err != nil {
			b.Fatal(err)
		}
	}
}
