package dashboards

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/funnelhouse/funnelhouse/charts"
)

// mostPictures is how many are kept; a page has some twenty in a language.
const mostPictures = 600

// pictures keeps what was drawn: a chart whose figures are the same is the same
// picture.
type pictures struct {
	renderer *charts.Renderer

	mu   sync.Mutex
	kept map[[sha256.Size]byte][]byte
}

func (p *pictures) svg(ctx context.Context, spec charts.Spec) (svg, option []byte, err error) {
	option, err = spec.Option()
	if err != nil {
		return nil, nil, err
	}
	key := sha256.Sum256(fmt.Append(nil, spec.Title, "\x00", spec.Language, "\x00", spec.Width, "x", spec.Height, "\x00", string(option)))
	p.mu.Lock()
	svg = p.kept[key]
	p.mu.Unlock()
	if svg != nil {
		return svg, option, nil
	}
	if svg, err = p.renderer.SVG(ctx, spec); err != nil {
		return nil, nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.kept) >= mostPictures {
		clear(p.kept) // the ones in use come back with the next page
	}
	p.kept[key] = svg
	return svg, option, nil
}
