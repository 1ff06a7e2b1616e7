package charts

import (
	_ "embed"
)

// script is ECharts. Its licences stand beside it.
//
//go:embed echarts/echarts.min.js
var script []byte

// fontFile is Noto Sans SC, less what figures and names don't need. Its licence
// stands beside it.
//
//go:embed font/NotoSansSC-Subset.ttf
var fontFile []byte

// Script is ECharts for the page: the very file that draws on the server. It
// sets the global echarts.
func Script() []byte { return script }
