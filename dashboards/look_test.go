package dashboards

import (
	"context"
	"flag"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/funnelhouse/funnelhouse/charts"
)

var listen = flag.String("listen", "", "serve made-up pages at host:port, to be looked at while they are worked on")

// TestLook serves pages until it is stopped:
//
//	go test -tags duckdb_arrow ./dashboards -run TestLook -timeout 0 -listen 127.0.0.1:8099
func TestLook(t *testing.T) {
	if *listen == "" {
		t.Skip("nobody looks: -listen isn't given")
	}
	site := newSite(t, &fake{Set: metricSet(t)}, nil)
	server := &http.Server{Addr: *listen, Handler: site.Handler(), ReadHeaderTimeout: time.Minute}
	t.Log(server.ListenAndServe())
}

// renderer is shared: to compile ECharts for each test takes longer than the
// test.
var renderer = sync.OnceValues(charts.NewRenderer)

func newSite(t testing.TB, metrics Metrics, change func(*Config)) *Site {
	t.Helper()
	pages, err := Load(os.DirFS("testdata/pages"))
	if err != nil {
		t.Fatal(err)
	}
	renderer, err := renderer()
	if err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		Pages: pages, Company: "Demo company", Currency: "CNY", Zone: zone, Languages: []string{"en"},
		Today: func() time.Time { return day },
		Fresh: func(context.Context) (Freshness, error) {
			return Freshness{LoadedAt: day.Add(5*time.Hour + 12*time.Minute), ComputedAt: day.Add(5*time.Hour + 13*time.Minute)}, nil
		},
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	if change != nil {
		change(&cfg)
	}
	site, err := New(cfg, metrics, renderer)
	if err != nil {
		t.Fatal(err)
	}
	return site
}
