package serving

import (
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// format is how an answer is written.
type format struct{ name, media string }

// formats in the order in which they are preferred.
func formats() []format {
	return []format{
		{"json", "application/json"},
		{"csv", "text/csv"},
		{"arrow", "application/vnd.apache.arrow.stream"},
	}
}

// formatOf is the one that ?format= names, else the one that the Accept header
// likes best, else JSON.
func formatOf(r *http.Request) (format, error) {
	if name := r.URL.Query().Get("format"); name != "" {
		at := slices.IndexFunc(formats(), func(f format) bool { return f.name == name })
		if at < 0 {
			return format{}, refuse(http.StatusBadRequest, "format", "there is no format %q; write json, csv or arrow", name)
		}
		return formats()[at], nil
	}
	accept := strings.Join(r.Header.Values("Accept"), ",")
	if strings.TrimSpace(accept) == "" {
		return formats()[0], nil
	}
	var best format
	most := 0.0
	for _, f := range formats() {
		if q := quality(accept, f.media); q > most {
			best, most = f, q
		}
	}
	if most == 0 {
		return format{}, refuse(http.StatusNotAcceptable, "Accept",
			"accept application/json, text/csv or application/vnd.apache.arrow.stream, or write ?format=json, csv or arrow")
	}
	return best, nil
}

// quality is how much an Accept header likes a media type, 0 where it doesn't
// take it. The most specific range counts.
func quality(accept, media string) float64 {
	kind, _, _ := strings.Cut(media, "/")
	likes, rank := 0.0, 0
	for part := range strings.SplitSeq(accept, ",") {
		wanted, parameters, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		specific := slices.Index([]string{"*/*", kind + "/*", media}, wanted) + 1
		if specific <= rank {
			continue
		}
		likes, rank = 1, specific
		if q, ok := parameters["q"]; ok {
			if likes, err = strconv.ParseFloat(q, 64); err != nil {
				likes = 0
			}
		}
	}
	return likes
}

// head is set before the first byte of an answer.
func (f format) head(w http.ResponseWriter) {
	media := f.media
	if f.name == "csv" {
		media += "; charset=utf-8; header=present"
	}
	w.Header().Set("Content-Type", media)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Vary", "Accept")
}
