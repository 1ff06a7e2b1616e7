package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/funnelhouse/funnelhouse/contracts"
)

const eventBytes = 420

// mix makes events of several types, of the same length: padded by a longer
// identity, as real systems have them.
type mix struct {
	types int
	event func(i int) []byte
}

func threeTypes() mix { return mix{types: 3, event: leadEvent} }

// leadEvent writes the i-th event, of one of three types.
func leadEvent(i int) []byte {
	lead := fmt.Sprintf("L-%09d", i/3)
	kind, data := "", ""
	switch i % 3 {
	case 0:
		kind = "lead.created.v1"
		data = fmt.Sprintf(`{"lead_id":%q,"channel":"trade_fair","campaign":"spring-fair","product":"atlas","region":"east","potential":"B","owner_id":"E-014","email":"contact-%s@example.com","expected_amount":%d.50,"recorded_at":"2026-10-03T09:12:45.000+08:00"}`,
			lead, lead, 1000+i%90000)
	case 1:
		kind = "lead.stage_changed.v1"
		data = fmt.Sprintf(`{"lead_id":%q,"from_stage":"new","to_stage":"mql","owner_id":"E-014","reason":"qualified by the inside sales team","recorded_at":"2026-10-03T09:12:46.000+08:00"}`, lead)
	default:
		kind = "lead.merged.v1"
		data = fmt.Sprintf(`{"lead_id":%q,"survivor_id":"L-000000001","recorded_at":"2026-10-03T09:12:47.000+08:00"}`, lead)
	}
	event := func(id string) []byte {
		return fmt.Appendf(nil, `{"specversion":"1.0","id":"%s","source":"/crm","type":"%s","time":"2026-10-03T09:12:44.120+08:00","subject":%q,"data":%s}`, id, kind, lead, data)
	}
	return padded(i, event)
}

func padded(i int, event func(id string) []byte) []byte {
	id := fmt.Sprintf("%012d", i)
	if missing := eventBytes - len(event(id)); missing > 0 {
		id = strings.Repeat("0", missing) + id
	}
	return event(id)
}

// catalogue mixes all event types evenly: of each the longest of its contract's
// valid examples.
func catalogue(set *contracts.Set) (mix, error) {
	type template struct{ before, behind []byte }
	var templates []template
	for _, c := range set.All() {
		examples, err := contracts.Examples(contracts.Files, c)
		if err != nil {
			return mix{}, err
		}
		var longest []byte
		for _, e := range examples {
			if e.Reason == "" && len(e.Event) > len(longest) {
				longest = e.Event
			}
		}
		var envelope struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(longest, &envelope); err != nil {
			return mix{}, fmt.Errorf("read an example of %s: %w", c.Name(), err)
		}
		before, behind, found := bytes.Cut(longest, fmt.Appendf(nil, `"id":%q`, envelope.ID))
		if !found {
			return mix{}, fmt.Errorf("the examples of %s write their id in another way than \"id\":\"…\"", c.Name())
		}
		templates = append(templates, template{before, behind})
	}
	return mix{types: len(templates), event: func(i int) []byte {
		t := templates[i%len(templates)]
		return padded(i, func(id string) []byte {
			return fmt.Appendf(nil, `%s"id":"%s"%s`, t.before, id, t.behind)
		})
	}}, nil
}
