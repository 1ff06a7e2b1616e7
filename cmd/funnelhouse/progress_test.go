package main

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"
)

func TestProgress(t *testing.T) {
	t.Parallel()
	const erase = "\r\x1b[K"
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := newProgress(stdio{err: &out, errTerminal: true})
		wait := func(d time.Duration) string {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			p.mu.Lock()
			defer p.mu.Unlock()
			said := out.String()
			out.Reset()
			return said
		}
		p.say("step %d", 1)
		if said := wait(progressAfter - time.Millisecond); said != "" {
			t.Errorf("before its time it says %q", said)
		}
		if said := wait(time.Millisecond); said != erase+"step 1 (2 s)" {
			t.Errorf("when it is time it says %q", said)
		}
		// A step that lasts is no silence.
		if said := wait(5 * progressEvery); len(said) < len(erase+"step 1 (3 s)")*4 {
			t.Errorf("a second later it has said %q", said)
		}
		if _, err := p.Write([]byte("a line\n")); err != nil {
			t.Fatal(err)
		}
		if said := wait(0); said != erase+"a line\n" {
			t.Errorf("a line comes as %q", said)
		}
		if said := wait(progressEvery); said != erase+"step 1 (3 s)" {
			t.Errorf("after a line it says %q", said)
		}
		p.done()
		if said := wait(time.Hour); said != erase {
			t.Errorf("once done it says %q", said)
		}
		p.say("step %d", 2)
		p.done()
		if said := wait(time.Hour); said != "" {
			t.Errorf("a step that is over is told of: %q", said)
		}
	})
}

// Where nobody looks there is no progress, and a log comes as it is.
func TestProgressElsewhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := newProgress(stdio{err: &out})
		p.say("step")
		time.Sleep(time.Hour)
		if _, err := p.Write([]byte("a line\n")); err != nil {
			t.Fatal(err)
		}
		p.done()
		if out.String() != "a line\n" {
			t.Errorf("got %q", out.String())
		}
	})
}
