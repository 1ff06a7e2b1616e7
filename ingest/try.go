package ingest

import "github.com/funnelhouse/funnelhouse/contracts"

// Try decodes records one by one as an Ingester would and keeps nothing.
type Try struct {
	decoder *decoder
	batch   *Batch
}

// NewTry makes a Try against the contracts of a set.
func NewTry(set *contracts.Set) *Try {
	b := &Batch{Accounts: make([]Account, 1)}
	for _, c := range set.All() {
		b.Rows = append(b.Rows, &Rows{Contract: c})
	}
	return &Try{decoder: newDecoder(set, DefaultMaxRecordBytes), batch: b}
}

// Record says for which reason a record would go to quarantine, with a
// sentence for people. An empty reason means that it would be loaded.
func (t *Try) Record(r *Record) (Reason, string) {
	_, fault := t.decoder.decode(t.batch, 0, r)
	t.batch.clear()
	t.batch.Accounts = t.batch.Accounts[:1]
	if fault != nil {
		return fault.reason, fault.message
	}
	return "", ""
}
