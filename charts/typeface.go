package charts

import (
	"fmt"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// typeface writes text: one font with Latin and Chinese letters, so that no
// letter has to be looked for in another.
type typeface struct {
	font *sfnt.Font

	mu     sync.Mutex
	buffer sfnt.Buffer // of a glyph at a time
}

func newTypeface(data []byte) (*typeface, error) {
	parsed, err := sfnt.Parse(data)
	if err != nil {
		return nil, err
	}
	return &typeface{font: parsed}, nil
}

// glyphScale is how many times larger letters are read than drawn: the font
// gives their points in 64ths of a pixel.
const glyphScale = 16

// outline turns a text into the areas that its letters cover, each letter
// beside the one before.
func (t *typeface) outline(s *shape, scale float64) ([]piece, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	ppem := fixed.Int26_6(s.size * glyphScale * 64)
	unit := 1.0 / (64 * glyphScale)
	var letters []letter
	total := 0.0
	for _, r := range s.text {
		index, err := t.font.GlyphIndex(&t.buffer, r)
		if err != nil {
			return nil, fmt.Errorf("look for %q in the font: %w", r, err)
		}
		advance, err := t.font.GlyphAdvance(&t.buffer, index, ppem, font.HintingNone)
		if err != nil {
			return nil, fmt.Errorf("measure %q: %w", r, err)
		}
		letters = append(letters, letter{index, total})
		total += float64(advance) * unit
	}
	origin := point{s.x, s.y}
	switch s.anchor {
	case "middle":
		origin.x -= total / 2
	case "end":
		origin.x -= total
	}
	switch s.baseline {
	case "central":
		origin.y += s.size * 0.36
	case "hanging":
		origin.y += s.size * 0.8
	}
	var pieces []piece
	for _, l := range letters {
		segments, err := t.font.LoadGlyph(&t.buffer, l.index, ppem, nil)
		if err != nil {
			return nil, fmt.Errorf("read a letter of %q: %w", short(s.text, 40), err)
		}
		pieces = append(pieces, glyph(segments, point{origin.x + l.x, origin.y}, unit, scale)...)
	}
	return pieces, nil
}

type letter struct {
	index sfnt.GlyphIndex
	x     float64
}

func glyph(segments sfnt.Segments, origin point, unit, scale float64) []piece {
	f := &flattener{tolerance: 0.1 / max(scale, 0.01)}
	at := func(p fixed.Point26_6) point {
		return point{origin.x + float64(p.X)*unit, origin.y + float64(p.Y)*unit}
	}
	for _, s := range segments {
		switch s.Op {
		case sfnt.SegmentOpMoveTo:
			f.end()
			f.now = at(s.Args[0])
			f.open.points = []point{f.now}
		case sfnt.SegmentOpLineTo:
			f.line(at(s.Args[0]))
		case sfnt.SegmentOpQuadTo:
			f.quadratic(at(s.Args[0]), at(s.Args[1]))
		case sfnt.SegmentOpCubeTo:
			f.cubic(at(s.Args[0]), at(s.Args[1]), at(s.Args[2]))
		}
	}
	f.end()
	return f.pieces
}
