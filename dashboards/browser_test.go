package dashboards

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// browser is a Chromium that is spoken to through two pipes, in the protocol of
// its developer tools.
type browser struct {
	t       *testing.T
	in      *os.File
	out     *bufio.Reader
	session string
	last    int
	// complaints are what the console and the page's policy had to say.
	complaints []string
}

func startBrowser(t *testing.T) *browser {
	t.Helper()
	var program string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			program = path
			break
		}
	}
	if program == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("there is no chromium and no google-chrome to look at the pages with")
		}
		t.Skip("no chromium and no google-chrome in the path: the pages weren't looked at")
	}
	theirIn, ourOut := pipe(t)
	ourIn, theirOut := pipe(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	profile, err := os.MkdirTemp("", "pages-*") //nolint:usetesting // it may still be written to when the test ends
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(ctx, program, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
		"--disable-dev-shm-usage", "--remote-debugging-pipe", "--user-data-dir="+profile, "about:blank")
	c.ExtraFiles = []*os.File{theirIn, theirOut}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t, in: ourOut, out: bufio.NewReader(ourIn)}
	t.Cleanup(func() {
		b.session = ""
		_, _ = b.in.Write([]byte(`{"id":0,"method":"Browser.close"}` + "\x00"))
		_ = c.Wait()
		cancel()
		// Its other processes may still be writing into it for a moment.
		_ = os.RemoveAll(profile)
	})
	_ = theirIn.Close()
	_ = theirOut.Close()
	return b
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	return r, w
}

type object = map[string]any

// call sends a command and waits for its answer; what happens meanwhile is kept.
func (b *browser) call(method string, params object) object {
	b.t.Helper()
	b.last++
	command := object{"id": b.last, "method": method, "params": params}
	if b.session != "" {
		command["sessionId"] = b.session
	}
	data, err := json.Marshal(command)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.in.Write(append(data, 0)); err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	for {
		m := b.read(method)
		if id, ok := m["id"].(float64); ok && int(id) == b.last {
			if m["error"] != nil {
				b.t.Fatalf("%s: %v", method, m["error"])
			}
			result, _ := m["result"].(object)
			return result
		}
	}
}

func (b *browser) read(method string) object {
	b.t.Helper()
	data, err := b.out.ReadBytes(0)
	if err != nil {
		b.t.Fatalf("%s: the browser is gone: %v", method, err)
	}
	var m object
	if err := json.Unmarshal(data[:len(data)-1], &m); err != nil {
		b.t.Fatal(err)
	}
	switch m["method"] {
	case "Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Audits.issueAdded":
		b.complaints = append(b.complaints, fmt.Sprint(m["method"], m["params"]))
	}
	return m
}

// open opens a page in a window of its own and waits until it is drawn.
func (b *browser) open(url string, width, height int, withScript bool) {
	b.t.Helper()
	b.session = ""
	target := b.call("Target.createTarget", object{"url": "about:blank"})
	attached := b.call("Target.attachToTarget", object{"targetId": target["targetId"], "flatten": true})
	b.session, _ = attached["sessionId"].(string)
	for _, domain := range []string{"Page", "Runtime", "Log", "Audits"} {
		b.call(domain+".enable", object{})
	}
	b.call("Emulation.setDeviceMetricsOverride", object{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})
	b.call("Emulation.setScriptExecutionDisabled", object{"value": !withScript})
	b.call("Page.setLifecycleEventsEnabled", object{"enabled": true})
	b.call("Page.navigate", object{"url": url})
	for {
		m := b.read("Page.navigate")
		params, _ := m["params"].(object)
		if m["method"] == "Page.lifecycleEvent" && params["name"] == "networkIdle" {
			return
		}
	}
}

// value computes an expression in the page; scripts of the page may be off.
func (b *browser) value(expression string) any {
	b.t.Helper()
	result := b.call("Runtime.evaluate", object{"expression": expression, "returnByValue": true})
	if result["exceptionDetails"] != nil {
		b.t.Fatalf("%s: %v", expression, result["exceptionDetails"])
	}
	value, _ := result["result"].(object)
	return value["value"]
}

func (b *browser) number(expression string) int {
	b.t.Helper()
	n, ok := b.value(expression).(float64)
	if !ok {
		b.t.Fatalf("%s is no number", expression)
	}
	return int(n)
}

// quiet fails where the console or the policy complained.
func (b *browser) quiet() {
	b.t.Helper()
	for _, c := range b.complaints {
		b.t.Errorf("the browser complains: %s", c)
	}
	b.complaints = nil
}

// keep writes a picture of the page where a person asked for it.
func (b *browser) keep(name string) {
	b.t.Helper()
	dir := os.Getenv("FUNNELHOUSE_SCREENSHOTS")
	if dir == "" {
		return
	}
	shot := b.call("Page.captureScreenshot", object{"format": "png", "captureBeyondViewport": true})
	text, _ := shot["data"].(string)
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), data, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// seen counts the elements of a selector that take room on the screen.
func seen(selector string) string {
	return `[...document.querySelectorAll(` + "`" + selector + "`" + `)].filter(e => e.getBoundingClientRect().height > 10).length`
}

func TestInABrowser(t *testing.T) {
	b := startBrowser(t)
	hostile := `</script><script>window.stolen = 1</script><img src=x onerror="window.stolen = 2">`
	metrics := &fake{Set: metricSet(t), change: func(_ metric.Request, table *metric.Table) (*metric.Table, error) {
		if len(table.Dimensions) > 0 {
			table.Rows[0].Dimensions = []*string{&hostile}
		}
		return table, nil
	}}
	server := httptest.NewServer(newSite(t, metrics, nil).Handler())
	defer server.Close()

	t.Run("with scripts", func(t *testing.T) {
		b.t = t
		b.open(server.URL, 1440, 900, true)
		if n := b.number(seen(".live svg")); n != 10 {
			t.Errorf("%d charts are live, not 10", n)
		}
		if n := b.number(seen(".still svg")); n != 0 {
			t.Errorf("%d of the server's pictures are shown as well", n)
		}
		if said, _ := b.value(`document.querySelector(".live").getAttribute("aria-label")`).(string); !strings.Contains(said, "lowest") {
			t.Errorf("a chart is read out as %q", said)
		}
		// The pointer brings the words of a point.
		at := b.value(`(() => { const e = document.querySelector(".live"); e.scrollIntoView({block: "center"}); const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2] })()`)
		b.call("Input.dispatchMouseEvent", object{"type": "mouseMoved", "x": at.([]any)[0], "y": at.([]any)[1]})
		if tip, _ := b.value(`document.querySelector(".tip")?.textContent`).(string); !strings.Contains(tip, "2026-05") || !strings.Contains(tip, " %") {
			t.Errorf("the tooltip says %q", tip)
		}
		b.keep("hover")
		if b.value(`window.stolen`) != nil {
			t.Error("a label became a script")
		}
		b.quiet()
	})
	t.Run("without scripts", func(t *testing.T) {
		b.t = t
		b.open(server.URL+"/?lang=zh-Hans", 1440, 900, false)
		if n := b.number(seen(".still svg")); n != 10 {
			t.Errorf("%d pictures are shown, not 10", n)
		}
		if lang := b.value(`document.documentElement.lang`); lang != "zh-Hans" {
			t.Errorf("the page is in %v", lang)
		}
		b.quiet()
	})
	for _, c := range []struct {
		name       string
		width      int
		withScript bool
	}{{"phone", 360, true}, {"phone without scripts", 360, false}, {"tablet", 820, true}} {
		t.Run(c.name, func(t *testing.T) {
			b.t = t
			b.open(server.URL+"/?grain=quarter", c.width, 800, c.withScript)
			if n := b.number(seen(".picture svg[width], .live svg")); n != 10 {
				t.Errorf("%d pictures are shown, not 10", n)
			}
			if over := b.number(`document.documentElement.scrollWidth`) - c.width; over > 0 {
				t.Errorf("the page is %d pixels too wide", over)
			}
			b.quiet()
		})
	}
	t.Run("dark", func(t *testing.T) {
		b.t = t
		b.open(server.URL, 1440, 900, true)
		b.call("Emulation.setEmulatedMedia", object{"features": []object{{"name": "prefers-color-scheme", "value": "dark"}}})
		// Nothing of a chart keeps a colour that is made for white.
		left := b.value(`[...document.querySelectorAll(".live svg *")].map(e => getComputedStyle(e)).flatMap(s => [s.fill, s.stroke])
			.filter(c => ["rgb(0, 104, 179)", "rgb(80, 86, 95)", "rgb(226, 229, 234)", "rgb(255, 255, 255)"].includes(c)).length`)
		if left != 0.0 {
			t.Errorf("%v parts of charts keep their colour for white", left)
		}
		b.keep("dark")
		b.quiet()
	})
}
