package reports

import "embed"

// Files holds the default reports.
//
//go:embed *.yaml
var Files embed.FS
