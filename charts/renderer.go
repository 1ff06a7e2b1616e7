package charts

import (
	"context"
	"fmt"
	"sync"

	"github.com/dop251/goja"
)

// drawer is handed an option as JSON text, so that no value of ours lives in
// the script's world.
const drawer = `(function (option, width, height) {
	var chart = echarts.init(null, null, {renderer: "svg", ssr: true, width: width, height: height});
	try {
		chart.setOption(JSON.parse(option));
		return chart.renderToSVGString();
	} finally {
		chart.dispose();
	}
})`

// Renderer draws charts. It may be used from several goroutines, and draws one
// chart at a time: 20 to 60 ms each, the first 0.3 s more.
type Renderer struct {
	program *goja.Program
	drawing *goja.Program
	typeset *typeface

	mu   sync.Mutex
	vm   *goja.Runtime // nil until the first chart, and after one that was broken off
	draw goja.Callable
}

// NewRenderer compiles ECharts, which takes some 0.2 s, and reads the font.
func NewRenderer() (*Renderer, error) {
	program, err := goja.Compile("echarts.min.js", string(script), false)
	if err != nil {
		return nil, fmt.Errorf("compile ECharts: %w", err)
	}
	drawing, err := goja.Compile("draw.js", drawer, true)
	if err != nil {
		return nil, fmt.Errorf("compile the drawer: %w", err)
	}
	typeset, err := newTypeface(fontFile)
	if err != nil {
		return nil, fmt.Errorf("read the font: %w", err)
	}
	return &Renderer{program: program, drawing: drawing, typeset: typeset}, nil
}

// SVG draws a chart as an SVG element that may stand in a page: it has a title
// and a description, and neither style nor script.
func (r *Renderer) SVG(ctx context.Context, s Spec) ([]byte, error) {
	shapes, err := r.picture(ctx, &s)
	if err != nil {
		return nil, err
	}
	return writeSVG(&s, shapes), nil
}

// PNG draws a chart as a picture, scale times its size: 2 for mail, where
// screens are fine.
func (r *Renderer) PNG(ctx context.Context, s Spec, scale float64) ([]byte, error) {
	shapes, err := r.picture(ctx, &s)
	if err != nil {
		return nil, err
	}
	data, err := r.typeset.png(shapes, s.Width, s.Height, scale)
	if err != nil {
		return nil, fmt.Errorf("chart %s: %w", short(s.Title, 60), err)
	}
	return data, nil
}

// picture draws with ECharts and reads what it drew. The size of s is filled
// in.
func (r *Renderer) picture(ctx context.Context, s *Spec) ([]shape, error) {
	option, err := s.Option()
	if err != nil {
		return nil, err
	}
	if err := s.check(); err != nil { // Option checked a copy
		return nil, err
	}
	text, err := r.run(ctx, string(option), s.Width, s.Height)
	if err != nil {
		return nil, fmt.Errorf("draw chart %s: %w", short(s.Title, 60), err)
	}
	shapes, err := readSVG(text)
	if err != nil {
		return nil, fmt.Errorf("read chart %s: %w", short(s.Title, 60), err)
	}
	return shapes, nil
}

func (r *Renderer) run(ctx context.Context, option string, width, height int) (text string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if r.vm == nil {
		if err := r.load(); err != nil {
			return "", err
		}
	}
	vm := r.vm
	stop := context.AfterFunc(ctx, func() { vm.Interrupt(ctx.Err()) })
	value, err := r.draw(goja.Undefined(), vm.ToValue(option), vm.ToValue(width), vm.ToValue(height))
	if isWhole := stop(); !isWhole || err != nil {
		// It was broken off, maybe in the midst of something, or may be so at any
		// moment: the next chart gets a new world.
		r.vm, r.draw = nil, nil
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		return "", err
	}
	return value.String(), nil
}

// load makes a world with ECharts in it.
func (r *Renderer) load() error {
	vm := goja.New()
	// Charts stand still: what is put off is never needed.
	if err := vm.Set("setTimeout", func() int { return 0 }); err != nil {
		return fmt.Errorf("load ECharts: %w", err)
	}
	if _, err := vm.RunProgram(r.program); err != nil {
		return fmt.Errorf("load ECharts: %w", err)
	}
	value, err := vm.RunProgram(r.drawing)
	if err != nil {
		return fmt.Errorf("load the drawer: %w", err)
	}
	draw, ok := goja.AssertFunction(value)
	if !ok {
		return fmt.Errorf("load the drawer: it is no function")
	}
	r.vm, r.draw = vm, draw
	return nil
}
