package metric

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
	"github.com/funnelhouse/funnelhouse/warehouse/cases"
)

// The cases of the other metrics need their models: check runs them all.
func TestProjectCases(t *testing.T) {
	t.Parallel()
	set, files := projectSet(t), projectFiles()
	for _, m := range set.All() {
		paths, err := fs.Glob(files, "testdata/"+m.Name+"/*.yaml")
		if err != nil {
			t.Fatal(err)
		}
		db := openDB(t, leadsTable)
		for _, path := range paths {
			t.Run(strings.TrimPrefix(path, "testdata/"), func(t *testing.T) {
				if err := RunCase(t.Context(), set, m.Name, path, files, db); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func runCase(t *testing.T, text string) error {
	t.Helper()
	db := openDB(t, leadsTable, "insert into marts.leads (lead_id, created_date) values ('kept', date '2026-01-01')")
	files := fstest.MapFS{"testdata/lead_to_won/x.yaml": {Data: []byte(text)}}
	err := RunCase(t.Context(), projectSet(t), "lead_to_won", "testdata/lead_to_won/x.yaml", files, db)
	var rows int
	if err := db.QueryRowContext(t.Context(), "select count(*) from marts.leads where lead_id = 'kept'").Scan(&rows); err != nil {
		t.Fatal(err)
	}
	var all int
	if err := db.QueryRowContext(t.Context(), "select count(*) from marts.leads").Scan(&all); err != nil {
		t.Fatal(err)
	}
	if rows != 1 || all != 1 {
		t.Errorf("the case left %d of %d rows of the scratch database as they were", rows, all)
	}
	return err
}

const caseHead = `given:
  marts.leads:
    - {lead_id: L-1, channel: 网站, created_date: 2026-01-10, won_date: 2026-01-20}
    - {lead_id: L-2, channel: web, created_date: 2026-01-11}
as_of: 2026-10-31
grain: month
by: [channel]
`

func TestFailingCaseShowsBothSides(t *testing.T) {
	t.Parallel()
	err := runCase(t, caseHead+`expect:
  - {period: 2026-01, channel: web, numerator: 0, denominator: 1}
  - {period: 2026-01, channel: 网站, numerator: 2, denominator: 1, flags: []}
  - {period: 2026-02, channel: web}
`)
	if failed, ok := errors.AsType[*cases.CaseError](err); !ok || failed.Path != "testdata/lead_to_won/x.yaml" {
		t.Fatalf("got %v", err)
	}
	want := `testdata/lead_to_won/x.yaml: lead_to_won gives 2 rows, expected 3: the case fails
        period   channel  numerator  denominator  flags
  same  2026-01  web      0          1            [small_n]
  want  2026-01  网站     2          1            []
  got   2026-01  网站     1          1            [small_n]
  want  2026-02  web
  got   no row`
	if err.Error() != want {
		t.Errorf("got\n%s\nwant\n%s", err, want)
	}
}

func TestCaseWithARowTooMany(t *testing.T) {
	t.Parallel()
	err := runCase(t, caseHead+"expect: [{period: 2026-01, channel: web}]\n")
	if _, failed := errors.AsType[*cases.CaseError](err); !failed || !strings.Contains(err.Error(), "want  no row") {
		t.Errorf("got %v", err)
	}
}

func TestCaseComparesNumbersNotText(t *testing.T) {
	t.Parallel()
	err := runCase(t, caseHead+`expect:
  - {period: 2026-01, channel: web, numerator: 0.0, n: 1, value: 0.0000000001}
  - {period: 2026-01, channel: 网站, numerator: 1.000, ci_low: 0.20654931437723745, ci_high: 1.0}
`)
	if err != nil {
		t.Error(err)
	}
}

func TestCaseMistakes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, want string }{
		{
			"unknown column", strings.Replace(caseHead, "won_date", "wn_date", 1) + "expect: []\n",
			"x.yaml:3:70: given.marts.leads[0].wn_date: marts.leads has no column wn_date; write won_date",
		},
		{
			"unknown model", strings.Replace(caseHead, "marts.leads", "marts.lead", 1) + "expect: []\n",
			"x.yaml:2:3: given.marts.lead: lead_to_won does not read marts.lead; write marts.leads",
		},
		{
			"no date", strings.Replace(caseHead, "2026-01-20", "2026-02-30", 1) + "expect: []\n",
			"x.yaml:3:7: given.marts.leads[0]: can't be stored in marts.leads: Conversion Error",
		},
		{"as of", strings.Replace(caseHead, "2026-10-31", "2026-10", 1) + "expect: []\n", `x.yaml:5:8: as_of: "2026-10" is no day`},
		{"grain", strings.Replace(caseHead, "grain: month", "grain: mnth", 1) + "expect: []\n", "x.yaml:6:8: grain:"},
		{"unknown dimension", strings.Replace(caseHead, "[channel]", "[chanel]", 1) + "expect: []\n", "x.yaml:7:1: by: lead_to_won has no dimension"},
		{"condition", caseHead + "where: potential = 'A'\nexpect: []\n", `x.yaml:8:8: where: lead_to_won has no dimension "potential"`},
		{"from", caseHead + "from: 2026-13\nexpect: []\n", `x.yaml:8:7: from: "2026-13" is no period`},
		{"unknown key", caseHead + "expect:\n  - {period: 2026-01, numerater: 1}\n", "x.yaml:9:34: expect[0].numerater: unknown key; write numerator"},
		{"not split", caseHead + "expect:\n  - {region: north}\n", "expect[0].region: the case does not split by region; add it to by"},
		{"flag", caseHead + "expect:\n  - {flags: [imature]}\n", `expect[0].flags[0]: "imature" is no flag; write immature`},
		{"fiscal year", caseHead + "fiscal_year_starts: avril\nexpect: []\n", "x.yaml:8:21: fiscal_year_starts: there is no month"},
		{"top key", caseHead + "expected: []\n", "expected: unknown key; did you mean expect?"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := runCase(t, test.text)
			if len(yamlfile.Problems(err)) == 0 || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}
