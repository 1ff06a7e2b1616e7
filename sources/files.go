package sources

import "embed"

// Files holds the default sources.
//
//go:embed *.yaml
var Files embed.FS
