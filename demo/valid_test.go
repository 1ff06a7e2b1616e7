package demo

import (
	"maps"
	"testing"

	"github.com/funnelhouse/funnelhouse/contracts"
	"github.com/funnelhouse/funnelhouse/ingest"
)

// Every event that the company calls valid keeps its contract, every broken
// one is refused for the reason that the books give, and no event type of the
// catalogue is missing.
func TestMessagesKeepTheirContracts(t *testing.T) {
	t.Parallel()
	set, err := contracts.Load(contracts.Files)
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(3) {
		c := mustAct(t, small(t, seed+1))
		try := ingest.NewTry(set)
		refused, types := map[string]int{}, map[string]int{}
		for _, w := range events(t, c) {
			types[w.Type]++
		}
		for i := range c.Messages {
			m := &c.Messages[i]
			if m.Value == nil {
				continue
			}
			reason, message := try.Record(&ingest.Record{Key: []byte(m.Key), Value: m.Value})
			if reason == "" {
				continue
			}
			refused[string(reason)]++
			if c.Truth.Sent.Broken[string(reason)] < refused[string(reason)] {
				t.Errorf("refused as %s, %s: %s", reason, message, m.Value)
			}
		}
		if !maps.Equal(refused, c.Truth.Sent.Broken) {
			t.Errorf("refused %v, the books say %v", refused, c.Truth.Sent.Broken)
		}
		for _, contract := range set.All() {
			if types[contract.Name()] == 0 {
				t.Errorf("the company never sends %s", contract.Name())
			}
		}
	}
}
