package charts

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"

	"golang.org/x/image/vector"
)

// mostPixels is the largest picture that is made.
const mostPixels = 40_000_000

// png draws shapes on white, in their order.
func (t *typeface) png(shapes []shape, width, height int, scale float64) ([]byte, error) {
	if !(scale >= 0.5 && scale <= 8) {
		return nil, fmt.Errorf("a picture can't be made %v times its size; take 0.5 to 8", scale)
	}
	w, h := int(math.Ceil(float64(width)*scale)), int(math.Ceil(float64(height)*scale))
	if w*h > mostPixels {
		return nil, fmt.Errorf("a picture of %d x %d pixels is too large", w, h)
	}
	c := &canvas{img: image.NewRGBA(image.Rect(0, 0, w, h)), typeface: t, view: matrix{a: scale, d: scale}}
	draw.Draw(c.img, c.img.Bounds(), image.White, image.Point{}, draw.Src)
	for i := range shapes {
		if err := c.draw(&shapes[i]); err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, c.img); err != nil {
		return nil, fmt.Errorf("encode the picture: %w", err)
	}
	return b.Bytes(), nil
}

// canvas is a picture in the making.
type canvas struct {
	img      *image.RGBA
	typeface *typeface
	view     matrix
	raster   vector.Rasterizer
}

func (c *canvas) draw(s *shape) error {
	at := s.at.then(c.view)
	if s.path == "" {
		pieces, err := c.typeface.outline(s, at.scale())
		if err != nil {
			return err
		}
		if s.stroke.alpha > 0 && s.width > 0 {
			c.fill(outlines(pieces, s), at, s.stroke)
			// The pen's areas turn one way and a letter's own may turn the other.
			c.fill(pieces, at, s.stroke)
		}
		c.fill(pieces, at, s.fill)
		return nil
	}
	pieces, err := flatten(s.path, at.scale())
	if err != nil {
		return err
	}
	if s.fill.alpha > 0 {
		c.fill(pieces, at, s.fill)
	}
	if s.stroke.alpha > 0 && s.width > 0 {
		c.fill(outlines(pieces, s), at, s.stroke)
	}
	return nil
}

// fill paints the inside of closed pieces.
func (c *canvas) fill(pieces []piece, at matrix, p paint) {
	low, high := point{math.Inf(1), math.Inf(1)}, point{math.Inf(-1), math.Inf(-1)}
	for _, one := range pieces {
		for i := range one.points {
			q := at.apply(one.points[i])
			low = point{math.Min(low.x, q.x), math.Min(low.y, q.y)}
			high = point{math.Max(high.x, q.x), math.Max(high.y, q.y)}
		}
	}
	if !(low.x <= high.x) {
		return
	}
	// What lies outside of the picture is cut off before it costs memory.
	box := image.Rect(floor(low.x), floor(low.y), floor(high.x)+2, floor(high.y)+2).Intersect(c.img.Bounds())
	if box.Empty() {
		return
	}
	c.raster.Reset(box.Dx(), box.Dy())
	c.raster.DrawOp = draw.Over
	place := func(q point) (x, y float32) {
		q = at.apply(q)
		return float32(q.x - float64(box.Min.X)), float32(q.y - float64(box.Min.Y))
	}
	for _, one := range pieces {
		for i, q := range one.points {
			x, y := place(q)
			if i == 0 {
				c.raster.MoveTo(x, y)
			} else {
				c.raster.LineTo(x, y)
			}
		}
		c.raster.ClosePath()
	}
	ink := color.NRGBA{p.red, p.green, p.blue, uint8(math.Round(p.alpha * 255))}
	c.raster.Draw(c.img, box, image.NewUniform(ink), image.Point{})
}

func floor(x float64) int { return int(math.Floor(min(max(x, -1e6), 1e6))) }
