package dashboards

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/funnelhouse/funnelhouse/charts"
)

// asset is a file that a page names with its version, so that a browser may
// keep it for ever.
type asset struct {
	kind           string
	version        string
	data, squeezed []byte
}

func loadAssets() (map[string]*asset, error) {
	files := map[string][]byte{"echarts.min.js": charts.Script()}
	names, err := fs.Glob(assets, "static/*")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		data, err := fs.ReadFile(assets, name)
		if err != nil {
			return nil, err
		}
		files[path.Base(name)] = data
	}
	files["page.css"] = append(slices.Clone(files["page.css"]), chartColors()...)
	all := map[string]*asset{}
	for name, data := range files {
		hash := sha256.Sum256(data)
		a := &asset{data: data, version: hex.EncodeToString(hash[:6])}
		switch path.Ext(name) {
		case ".css":
			a.kind = "text/css; charset=utf-8"
		case ".js":
			a.kind = "text/javascript; charset=utf-8"
		default:
			return nil, fmt.Errorf("%s: no kind of file that pages use", name)
		}
		if a.squeezed, err = squeeze(data); err != nil {
			return nil, fmt.Errorf("compress %s: %w", name, err)
		}
		all[name] = a
	}
	return all, nil
}

func squeeze(data []byte) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(data); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// chartColors are the rules that give charts their dark colours. ECharts writes
// a colour into an attribute, which any rule overrides, so the same picture
// serves both. Print is on white.
func chartColors() []byte {
	dark := charts.Dark()
	var b bytes.Buffer
	b.WriteString("\n@media screen and (prefers-color-scheme: dark) {\n")
	for _, color := range slices.Sorted(maps.Keys(dark)) {
		for _, attribute := range []string{"fill", "stroke"} {
			fmt.Fprintf(&b, "  .picture [%s=\"%s\" i] { %s: %s; }\n", attribute, color, attribute, dark[color])
		}
	}
	b.WriteString("}\n")
	return b.Bytes()
}

func (s *Site) serveAsset(w http.ResponseWriter, r *http.Request) {
	a := s.assets[r.PathValue("name")]
	protect(w.Header())
	if a == nil {
		http.Error(w, "There is no such file.", http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("ETag", `"`+a.version+`"`)
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == a.version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if r.Header.Get("If-None-Match") == h.Get("ETag") {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	data := a.data
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		data = a.squeezed
	}
	h.Set("Content-Length", strconv.Itoa(len(data)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(data)
	}
}
