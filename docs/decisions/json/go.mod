module github.com/funnelhouse/funnelhouse/docs/decisions/json

go 1.26.0

require (
	github.com/funnelhouse/funnelhouse v0.0.0
	github.com/valyala/fastjson v1.6.10
)

require github.com/goccy/go-yaml v1.19.2 // indirect

replace github.com/funnelhouse/funnelhouse => ../../..
