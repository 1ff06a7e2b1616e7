// Package sql holds the models and metrics that an analyst edits, and no
// logic: cmd hands its files to warehouse/model and warehouse/metric.
package sql

import "embed"

// Files holds the default models, metrics and their cases.
//
//go:embed staging marts metrics testdata
var Files embed.FS
