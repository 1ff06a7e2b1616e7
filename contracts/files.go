package contracts

import "embed"

// Files holds the default contracts and their examples.
//
//go:embed *.yaml testdata/*.jsonl
var Files embed.FS
