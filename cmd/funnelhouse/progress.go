package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	// progressAfter is how long a command may work before it says how far it is.
	progressAfter = 2 * time.Second
	// progressEvery is how often it says so from then on.
	progressEvery = 200 * time.Millisecond
)

// progress is a line on a terminal that is written over; elsewhere it is
// silent. What was said last stands there with the seconds it took so far, so
// that one long step isn't taken for a standstill.
type progress struct {
	out     io.Writer // nil is silent
	lines   io.Writer // takes what is written between two progress lines
	started time.Time

	mu    sync.Mutex
	text  string // empty: there is nothing to say
	shown bool
	timer *time.Timer // of the next line; nil while there is nothing to say
}

func newProgress(io stdio) *progress {
	p := &progress{lines: io.err, started: time.Now()}
	if io.errTerminal {
		p.out = io.err
	}
	return p
}

func (p *progress) say(format string, args ...any) {
	if p.out == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text = fmt.Sprintf(format, args...)
	if p.timer == nil {
		p.timer = time.AfterFunc(max(0, progressAfter-time.Since(p.started)), p.show)
	}
}

// show is run by the timer. One that fires while done stops it finds nothing
// to say.
func (p *progress) show() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.text == "" {
		return
	}
	p.shown = true
	_, _ = fmt.Fprintf(p.out, "\r\x1b[K%s (%d s)", p.text, int(time.Since(p.started).Seconds()))
	p.timer.Reset(progressEvery)
}

// done takes the line away, until something is said again.
func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text = ""
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
	p.clear()
}

func (p *progress) clear() {
	if p.shown {
		_, _ = fmt.Fprint(p.out, "\r\x1b[K")
		p.shown = false
	}
}

// Write writes whole lines, like those of a log, in the place of the progress
// line; that comes back below them.
func (p *progress) Write(lines []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	return p.lines.Write(lines)
}
