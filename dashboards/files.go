package dashboards

import (
	"embed"
	"io/fs"
)

//go:embed pages/*.yaml
var pages embed.FS

// assets are what a browser fetches beside a page, and the pages' templates.
//
//go:embed static templates
var assets embed.FS

// Files returns the default pages, as Load reads them.
func Files() (fs.FS, error) { return fs.Sub(pages, "pages") }
