package model

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestDedupe(t *testing.T) {
	t.Parallel()
	row := func(topic string, epoch, partition, offset, n int, subject, kind string) string {
		who, what := quoteText(subject), quoteText(kind)
		if subject == "" {
			who = "null"
		}
		if kind == "" {
			what = "null"
		}
		return fmt.Sprintf("('%s', %d, %d, %d, %d, 1, %s, %s)", topic, epoch, partition, offset, n, who, what)
	}
	for name, c := range map[string]struct {
		rows        []string
		winners     string // topic/epoch/partition/offset/n
		loserNumber int
	}{
		"lowest topic":       {[]string{row("b", 0, 0, 0, 0, "s", "k"), row("a", 9, 9, 9, 9, "s", "k")}, "a/9/9/9/9", 1},
		"lowest epoch":       {[]string{row("a", 1, 0, 0, 0, "s", "k"), row("a", 0, 9, 9, 9, "s", "k")}, "a/0/9/9/9", 1},
		"lowest partition":   {[]string{row("a", 0, 1, 0, 0, "s", "k"), row("a", 0, 0, 9, 9, "s", "k")}, "a/0/0/9/9", 1},
		"lowest offset":      {[]string{row("a", 0, 0, 10, 0, "s", "k"), row("a", 0, 0, 9, 9, "s", "k")}, "a/0/0/9/9", 1},
		"lowest n":           {[]string{row("a", 0, 0, 1, 1, "s", "k"), row("a", 0, 0, 1, 0, "s", "k"), row("a", 0, 0, 1, 2, "s", "k")}, "a/0/0/1/0", 2},
		"highest of a file":  {[]string{row("file/s/a.csv", 0, 0, 1, 0, "s", "k"), row("file/s/a.csv", 2, 0, 7, 0, "s", "k"), row("file/s/a.csv", 1, 0, 1, 0, "s", "k")}, "file/s/a.csv/2/0/7/0", 2},
		"each part counts":   {[]string{row("a", 0, 0, 1, 0, "s", "k"), row("a", 0, 0, 2, 0, "s", "l"), row("a", 0, 0, 3, 0, "t", "k")}, "a/0/0/1/0 a/0/0/2/0 a/0/0/3/0", 0},
		"null is no key":     {[]string{row("a", 0, 0, 1, 0, "", "k"), row("a", 0, 0, 2, 0, "", "k"), row("a", 0, 0, 3, 0, "s", ""), row("a", 0, 0, 4, 0, "s", "")}, "a/0/0/1/0 a/0/0/2/0 a/0/0/3/0 a/0/0/4/0", 0},
		"null beside a key":  {[]string{row("a", 0, 0, 1, 0, "", "k"), row("a", 0, 0, 2, 0, "s", "k"), row("a", 0, 0, 3, 0, "s", "k")}, "a/0/0/1/0 a/0/0/2/0", 1},
		"case is no synonym": {[]string{row("a", 0, 0, 1, 0, "s", "k"), row("a", 0, 0, 2, 0, "S", "k")}, "a/0/0/1/0 a/0/0/2/0", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := warehouseOf(t, "", signals())
			p := mustLoad(t, db, with("marts/totals.sql", "", "marts/big.sql", "", "staging/signals.sql",
				strings.Replace(string(projectFiles()["staging/signals.sql"].Data), "grain: event_id", "grain: [_topic, _epoch, _partition, _offset, _n]", 1)))
			run(t, db, "insert into raw.signal_seen_v1 (_topic, _epoch, _partition, _offset, _n, _batch_id, _subject, kind) values "+strings.Join(c.rows, ", "))
			result := mustBuild(t, runner(t, db), p)
			got := show(t, db, "select concat_ws('/', _topic, _epoch, _partition, _offset, _n) as place from staging.signals order by place")
			expect(t, "winners", got, c.winners)
			if result.Models[0].Duplicates != int64(c.loserNumber) {
				t.Errorf("%d losers, want %d", result.Models[0].Duplicates, c.loserNumber)
			}
		})
	}
}

// A model that makes several rows of one event must not lose them all: they
// stay, and the grain's test speaks.
func TestRowsOfOnePositionAreNoDuplicates(t *testing.T) {
	t.Parallel()
	db := warehouseOf(t, "", signals())
	p := mustLoad(t, db, with("marts/totals.sql", "", "marts/big.sql", "", "staging/signals.sql",
		strings.TrimSpace(string(projectFiles()["staging/signals.sql"].Data))+", generate_series(1, 2)"))
	run(t, db, signal(1, 1, "a", "x", 1))
	result, err := runner(t, db).Build(t.Context(), p, Options{})
	if err == nil || result.Models[0].Rows != 2 || result.Models[0].Duplicates != 0 {
		t.Errorf("got %v, %+v", err, result.Models[0])
	}
}

// In whatever order rows were appended, the same ones win.
func TestDedupeForgetsTheOrderOfArrival(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(7, 7))
	var rows []string
	winners := map[string]int{}
	for offset := range 400 {
		key := fmt.Sprint("s", rnd.IntN(150))
		rows = append(rows, signal(1, offset, key, "k", offset))
		if _, ok := winners[key]; !ok {
			winners[key] = offset
		}
	}
	var want []string
	for _, offset := range winners {
		want = append(want, fmt.Sprint(offset))
	}
	slices.Sort(want)
	for range 3 {
		db := warehouseOf(t, "", signals())
		p := mustLoad(t, db, with("marts/totals.sql", "", "marts/big.sql", ""))
		rnd.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		run(t, db, strings.Join(rows, ";\n"))
		mustBuild(t, runner(t, db), p)
		expect(t, "winners", show(t, db, "select cast(_offset as varchar) as o from staging.signals order by o"), strings.Join(want, " "))
		expect(t, "all rows are somewhere", show(t, db, "select count(*) from (select _offset from staging.signals union all select _offset from staging.signals_duplicates)"), "400")
	}
}
