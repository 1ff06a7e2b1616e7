package metric

import (
	"strings"
	"testing"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
)

func TestCheckProject(t *testing.T) {
	t.Parallel()
	if err := Check(t.Context(), projectSet(t), openDB(t, leadsTable), leadsModel); err != nil {
		t.Error(err)
	}
}

func TestCheckAccepts(t *testing.T) {
	t.Parallel()
	set := mustLoad(t, conversionOf("m", "none",
		"where: 'lead_count > 0 and list_contains(list_transform([1], lambda x: x + 1), 2)'",
		"excluded: {not_yet: created_date > $as_of, odd: \"Created_Date = date '2026-01-01' -- a holiday\"}",
		"dimensions: [channel, lead_count]"),
		definition("d", "derived", "inputs: {a: m, b: {metric: m, across: [channel]}}", "expr: a / b"))
	if err := Check(t.Context(), set, openDB(t, leadsTable), leadsModel); err != nil {
		t.Error(err)
	}
}

func TestCheckProblems(t *testing.T) {
	t.Parallel()
	db := openDB(t, leadsTable)
	for _, test := range []struct{ name, metric, want string }{
		{"model", strings.Replace(countOf("m"), "marts.leads", "marts.lead", 1), "metrics/m.yaml:8:8: model: there is no model marts.lead; write marts.leads"},
		{"entity", strings.Replace(countOf("m"), "lead_id", "lead_count", 1), "metrics/m.yaml:9:9: entity: a row of marts.leads is not one lead_count: its grain is lead_id; write lead_id"},
		{"entity column", strings.Replace(countOf("m"), "lead_id", "lead_ids", 1), "entity[0]: marts.leads has no column lead_ids; write lead_id"},
		{"wider entity", strings.Replace(countOf("m"), "lead_id", "[lead_id, channel]", 1), "is not one lead_id, channel: its grain is lead_id"},
		{"time", strings.Replace(countOf("m"), "created_date", "created_at", 1), "metrics/m.yaml:10:7: time: created_at is TIMESTAMP WITH TIME ZONE, not DATE; write created_date"},
		{"time without a day", strings.Replace(countOf("m"), "created_date", "mql_at", 1), "give the model a DATE column: business_date(mql_at), or write one of created_date, lost_date, won_date"},
		{"time column", strings.Replace(countOf("m"), "created_date", "created_datte", 1), "time: marts.leads has no column created_datte; write created_date"},
		{"reached", strings.Replace(conversionOf("m", "none"), "won_date", "won_at", 1), "reached: won_at is TIMESTAMP WITH TIME ZONE, not DATE; write won_date"},
		{"dimension", countOf("m", "dimensions: [channel, division]"), "metrics/m.yaml:11:23: dimensions[1]: marts.leads has no column division"},
		{"where column", countOf("m", "where: chanel = 'web'"), "metrics/m.yaml:11:8: where: marts.leads has no column chanel; write channel; text stands in 'single quotes'"},
		{"where syntax", countOf("m", "where: channel ="), "where: syntax error"},
		{"where type", countOf("m", "where: channel"), "where: is VARCHAR, not a condition; write a comparison"},
		{"where subquery", countOf("m", "where: lead_id in (select 1)"), "where: a subquery is not allowed here"},
		{"where aggregate", countOf("m", "where: max(lead_count) = 1"), "metrics/m.yaml:"},
		{"where window", countOf("m", "where: row_number() over () = 1"), "where: a window function is not allowed here"},
		{"where number", countOf("m", "where: \"#1 = 'x'\""), "where: a column by its number is not allowed here"},
		{"clock", countOf("m", "where: created_date < current_date"), "where: current_date gives another answer every time; write $as_of for the day that is asked for"},
		{"marked by the database", countOf("m", "where: write_log(channel) is null"), "where: write_log gives another answer every time"},
		{"age", countOf("m", "where: age(created_at) > interval 1 day"), "where: age gives another answer every time"},
		{"now", countOf("m", "where: created_at < now()"), "where: now gives another answer every time"},
		{"parameter", countOf("m", "where: created_date < $today"), "where: there is no parameter $today; write $as_of"},
		{"question mark", countOf("m", "where: created_date < ?"), "where: there is no parameter $1; write $as_of"},
		{"escape", countOf("m", "where: true) union select (true"), "where: this is not one expression"},
		{"excluded", countOf("m", "excluded: {late: created_date > $as_of, test: is_test}"), "metrics/m.yaml:11:47: excluded.test: marts.leads has no column is_test"},
		{"unknown function", countOf("m", "where: frobnicate(channel)"), "where: Catalog Error"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := Check(t.Context(), mustLoad(t, test.metric), db, leadsModel)
			if len(yamlfile.Problems(err)) == 0 || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestCheckTellsAllProblemsAndSparesTheDerived(t *testing.T) {
	t.Parallel()
	set := mustLoad(t, countOf("a", "where: nope", "dimensions: [nope]"), countOf("b", "where: nope"), countOf("c"),
		definition("d", "derived", "inputs: {a: a, c: c}", "expr: a / c"))
	err := Check(t.Context(), set, openDB(t, leadsTable), leadsModel)
	if got := len(yamlfile.Problems(err)); got != 3 {
		t.Errorf("got %d problems: %v", got, err)
	}
}

// A model's columns may be told wrongly; then the database has the last word.
func TestCheckCompiles(t *testing.T) {
	t.Parallel()
	set := mustLoad(t, countOf("m", "dimensions: [channel]"))
	db := openDB(t, "create table marts.leads (lead_id varchar, created_date date)")
	err := Check(t.Context(), set, db, leadsModel)
	if err == nil || !strings.Contains(err.Error(), "metrics/m.yaml:1:9: metric: can't be computed by channel: ") {
		t.Errorf("got %v", err)
	}
}
