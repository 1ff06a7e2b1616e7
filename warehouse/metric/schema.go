package metric

import "github.com/funnelhouse/funnelhouse/internal/yamlfile"

// DefinitionSchema is the JSON Schema of metrics/*.yaml, for editors.
func DefinitionSchema() ([]byte, error) {
	return yamlfile.Schema("metric", "A metric of funnelhouse: sql/metrics/<metric>.yaml", file{})
}

// CaseSchema is the JSON Schema of a metric's testdata/<metric>/*.yaml.
func CaseSchema() ([]byte, error) {
	return yamlfile.Schema("metric case", "What a metric gives for a few rows: sql/testdata/<metric>/<case>.yaml", caseFile{})
}
