package model

import (
	"errors"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	signalsHeader := described("grain: event_id\nevent: signal.seen\n", "_topic", "_epoch", "_partition", "_offset", "_n", "event_id", "subject", "kind", "amount")
	for name, c := range map[string]struct {
		changes []string
		want    []string
	}{
		"good": {nil, nil},
		"unknown column": {
			[]string{"marts/m.sql", mart("select\n    kind,\n    staging.signals.amout\nfrom staging.signals")},
			[]string{`marts/m.sql:9:5: Binder Error: Table "signals" does not have a column named "amout" Candidate bindings: : "amount"`},
		},
		"in the line of the header's end": {
			[]string{"marts/m.sql", "/* {description: x, grain: kind, columns: {kind: {description: x}}} */ select knd as kind from staging.signals"},
			[]string{`marts/m.sql:1:1: Binder Error: Referenced column "knd" not found in FROM clause!`},
		},
		"unknown function": {
			[]string{"marts/m.sql", mart("select nosuch(kind) as kind\nfrom staging.signals")},
			[]string{"marts/m.sql:7:8: Catalog Error: Scalar Function with name nosuch does not exist!"},
		},
		"columns differ": {
			[]string{"marts/m.sql", described("grain: kind\n", "kind", "amuont") + "select kind, amount, subject from staging.signals"},
			[]string{
				"marts/m.sql:6:3: columns.amuont: the query has no such column; did you mean amount?",
				"marts/m.sql:4:1: columns: the query's column amount is not described; add amount: {description: …}",
				"marts/m.sql:4:1: columns: the query's column subject is not described; add subject: {description: …}",
			},
		},
		"columns in another order": {
			[]string{"marts/m.sql", described("grain: kind\n", "kind", "amount") + "select amount, kind from staging.signals"},
			[]string{"marts/m.sql:4:1: columns: the columns stand in another order than in the query; order them amount, kind"},
		},
		"key and position are missing": {
			[]string{"staging/signals.sql", described("grain: event_id\nevent: signal.seen\n", "_topic", "_epoch", "_partition", "_n", "event_id", "kind", "amount") +
				"select _topic, _epoch, _partition, _n, _id as event_id, kind, amount from raw.signal_seen_v1"},
			[]string{
				"staging/signals.sql:4:8: event: without the column _offset no duplicate can be told; keep _offset in the select list",
				"staging/signals.sql:4:8: event: without the column subject no duplicate can be told; keep subject in the select list (_subject as subject)",
			},
		},
		"test on another type": {
			[]string{"marts/totals.sql", described("grain: kind\n", "kind", "total [{accepted_values: [much]}, {expression: totl > 1}]") +
				"select kind, cast(sum(amount) as bigint) as total from staging.signals group by kind"},
			[]string{
				"marts/totals.sql:6:42: columns.total.tests[0]: Conversion Error: Could not convert string 'much' to INT",
				`marts/totals.sql:6:69: columns.total.tests[1]: Binder Error: Referenced column "totl" not found`,
			},
		},
		"what reads a broken model is left out": {
			[]string{"staging/signals.sql", signalsHeader + "select nothing from raw.signal_seen_v1"},
			[]string{"staging/signals.sql"},
		},
		"two tables of one name": {
			[]string{
				"staging/other_seen_v1.sql", described("grain: kind\n", "kind") + "select distinct kind from raw.other_seen_v1",
				"marts/m.sql", mart("select kind from staging.other_seen_v1"),
			},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := warehouseOf(t, "", signals())
			err := Check(t.Context(), mustLoad(t, db, with(c.changes...)), db)
			list := problems(t, err)
			for i, w := range c.want {
				if i >= len(list) || !strings.HasPrefix(list[i].Error(), w) {
					t.Errorf("got\n%v\nwant\n%s", err, strings.Join(c.want, "\n"))
					break
				}
			}
			if len(c.want) == 0 && err != nil {
				t.Error(err)
			}
			if name == "what reads a broken model is left out" {
				for _, p := range list {
					if p.Path != "staging/signals.sql" {
						t.Errorf("%v is only a consequence", p)
					}
				}
			}
		})
	}
}

func TestSQLProblem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text   string
		before int
		want   string
	}{
		{"Parser Error: no place", 0, "f.sql: Parser Error: no place"},
		{"Binder Error: x!\nCandidates: y\n\nLINE 3:   bad\n          ^", 0, "f.sql:3:3: Binder Error: x! Candidates: y"},
		{"Binder Error: x\n\nLINE 1: create as bad\n                  ^", 10, "f.sql:1:1: Binder Error: x"},
		{"Binder Error: x\n\nLINE 12: ...long bad\n                 ^", 0, "f.sql:12:1: Binder Error: x"},
	} {
		if got := sqlProblem("f.sql", errors.New(c.text), c.before).Error(); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}
