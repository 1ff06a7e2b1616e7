package main

import (
	"context"

	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// measures answers for the metrics of a house while it is served. It uses those
// of the last build that succeeded, which were checked together with its
// models; before the first one, those in the project's files.
type measures struct{ house *house }

func (m measures) set() (*metric.Set, error) {
	if set := m.house.adoptedMetrics(); set != nil {
		return set, nil
	}
	return loadMetrics(m.house.dir)
}

// All lists the metrics by code.
func (m measures) All() ([]*metric.Metric, error) {
	set, err := m.set()
	if err != nil {
		return nil, err
	}
	return set.All(), nil
}

// Get returns the metric of this code.
func (m measures) Get(code string) (*metric.Metric, error) {
	set, err := m.set()
	if err != nil {
		return nil, err
	}
	return set.Get(code)
}

// Query answers a request, as of today where it names no day.
func (m measures) Query(ctx context.Context, req metric.Request) (*metric.Table, error) {
	set, err := m.set()
	if err != nil {
		return nil, err
	}
	if req.AsOf.IsZero() {
		req.AsOf = m.house.today()
	}
	return set.Query(ctx, m.house.wh.DB(), m.house.company(), req)
}
