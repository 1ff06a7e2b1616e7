package reports

import (
	"strings"
	"testing"
	"time"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func schedule(t testing.TB, cron, in string) *Schedule {
	t.Helper()
	s, err := NewSchedule(cron, zone(t, in))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Every row is a day on which clocks are changed, or the rule of a field.
func TestNext(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ cron, zone, after, want string }{
		"plain":                    {"0 8 2 * *", "Asia/Shanghai", "2026-10-15T00:00:00Z", "2026-11-02T08:00 2026-11-02T00:00:00Z | 2026-12-02T08:00 2026-12-02T00:00:00Z"},
		"at the instant itself":    {"0 8 2 * *", "Asia/Shanghai", "2026-11-02T00:00:00Z", "2026-12-02T08:00 2026-12-02T00:00:00Z"},
		"a second before":          {"0 8 2 * *", "Asia/Shanghai", "2026-11-01T23:59:59Z", "2026-11-02T08:00 2026-11-02T00:00:00Z"},
		"skipped hour":             {"30 2 * * *", "America/New_York", "2026-03-07T12:00:00Z", "2026-03-08T02:30 2026-03-08T07:00:00Z | 2026-03-09T02:30 2026-03-09T06:30:00Z"},
		"skipped and just before":  {"30 2 * * *", "America/New_York", "2026-03-08T06:59:59Z", "2026-03-08T02:30 2026-03-08T07:00:00Z"},
		"skipped is over":          {"30 2 * * *", "America/New_York", "2026-03-08T07:00:00Z", "2026-03-09T02:30 2026-03-09T06:30:00Z"},
		"skipped onto another":     {"0 2,3 * * *", "America/New_York", "2026-03-08T05:00:00Z", "2026-03-08T02:00 2026-03-08T07:00:00Z | 2026-03-09T02:00 2026-03-09T06:00:00Z"},
		"doubled hour":             {"30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", "2026-11-01T01:30 2026-11-01T05:30:00Z | 2026-11-02T01:30 2026-11-02T06:30:00Z"},
		"between the two":          {"30 1 * * *", "America/New_York", "2026-11-01T05:45:00Z", "2026-11-02T01:30 2026-11-02T06:30:00Z"},
		"in the second of the two": {"15 * * * *", "America/New_York", "2026-11-01T06:00:00Z", "2026-11-01T02:15 2026-11-01T07:15:00Z"},
		"hourly over the doubled":  {"15 * * * *", "America/New_York", "2026-11-01T04:00:00Z", "2026-11-01T00:15 2026-11-01T04:15:00Z | 2026-11-01T01:15 2026-11-01T05:15:00Z | 2026-11-01T02:15 2026-11-01T07:15:00Z"},
		"no midnight":              {"0 0 * * *", "Africa/Cairo", "2026-04-23T12:00:00Z", "2026-04-24T00:00 2026-04-23T22:00:00Z | 2026-04-25T00:00 2026-04-24T21:00:00Z"},
		"half an hour":             {"10 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", "2026-10-04T02:10 2026-10-03T15:30:00Z | 2026-10-05T02:10 2026-10-04T15:10:00Z"},
		"a whole day":              {"0 8 * * *", "Pacific/Apia", "2011-12-29T20:00:00Z", "2011-12-30T08:00 2011-12-30T10:00:00Z | 2011-12-31T08:00 2011-12-30T18:00:00Z"},
		"last day":                 {"0 18 L * *", "UTC", "2028-02-01T00:00:00Z", "2028-02-29T18:00 2028-02-29T18:00:00Z"},
		"working day":              {"0 8 1W * *", "UTC", "2026-07-30T00:00:00Z", "2026-08-03T08:00 2026-08-03T08:00:00Z"},
		"first Friday":             {"0 8 * * 5#1", "UTC", "2026-10-03T00:00:00Z", "2026-11-06T08:00 2026-11-06T08:00:00Z"},
		"names":                    {"0 8 1 jan,Jul *", "UTC", "2026-10-03T00:00:00Z", "2027-01-01T08:00 2027-01-01T08:00:00Z"},
		"leap day":                 {"0 8 29 2 *", "UTC", "2028-03-01T00:00:00Z", "2032-02-29T08:00 2032-02-29T08:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := schedule(t, c.cron, c.zone)
			at, err := time.Parse(time.RFC3339, c.after)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for range strings.Count(c.want, "|") + 1 {
				o, ok := s.Next(at)
				if !ok {
					t.Fatal("there is none")
				}
				got = append(got, o.Wall+" "+o.At.UTC().Format(time.RFC3339))
				at = o.At
			}
			if have := strings.Join(got, " | "); have != c.want {
				t.Errorf("\n got %s\nwant %s", have, c.want)
			}
		})
	}
}

// Whatever the clocks do, each day has one occurrence and they come in order.
func TestNextOnceADay(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"America/New_York", "Europe/Berlin", "Africa/Cairo", "Africa/Casablanca", "Australia/Lord_Howe", "America/Havana", "Asia/Shanghai", "Pacific/Chatham"} {
		for _, cron := range []string{"0 0 * * *", "30 1 * * *", "30 2 * * *", "59 23 * * *"} {
			s := schedule(t, cron, name)
			day := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
			at := instant(day, s.Zone).Add(-time.Second)
			for range 2 * 365 {
				o, ok := s.Next(at)
				if !ok || !o.At.After(at) || o.Wall[:10] != day.Format(time.DateOnly) {
					t.Fatalf("%s in %s on %s: %+v, %v", cron, name, day.Format(time.DateOnly), o, ok)
				}
				// It doesn't matter from where one looks.
				if again, _ := s.Next(o.At.Add(-time.Nanosecond)); again != o {
					t.Fatalf("%s in %s: %+v or %+v", cron, name, o, again)
				}
				at, day = o.At, day.AddDate(0, 0, 1)
			}
		}
	}
}

func TestNewScheduleRefuses(t *testing.T) {
	t.Parallel()
	for cron, want := range map[string]string{
		"":                             "has 0 fields",
		"0 8 2 *":                      "has 4 fields",
		"0 0 8 2 * *":                  "has 6 fields",
		"@monthly":                     "has 1 fields",
		"* 8 2 * *":                    "the minute * is not one number",
		"*/5 8 2 * *":                  "at most once an hour",
		"0,30 8 2 * *":                 "at most once an hour",
		"60 8 2 * *":                   `the minute "60" is not from 0 to 59`,
		"0 24 2 * *":                   `the hour "24" is not from 0 to 23`,
		"0 8,99 2 * *":                 `the hour "99" is not from 0 to 23`,
		"0 9-8 2 * *":                  `the hour "9-8" is not from 0 to 23`,
		"0 8 0 * *":                    `the day of the month "0"`,
		"0 8 32W * *":                  `the day of the month "32W"`,
		"0 8 2 13 *":                   `the month "13"`,
		"0 8 2 oct-bad *":              `the month "OCT-BAD"`,
		"0 8 * * 8":                    `the day of the week "8"`,
		"0 8 * * 5#6":                  `the day of the week "5#6"`,
		"0 8 2/ * *":                   `the day of the month "2/" is none`,
		"0 */0 2 * *":                  `the hour "*/0" has no step`,
		"0 2/3 2 * *":                  "steps through one number",
		"0 8 , * *":                    `the day of the month "" is none`,
		"0 8 -1 * *":                   `the day of the month "-1" is none`,
		"0 8 1--2 * *":                 `is none`,
		"0 8 30 2 *":                   "never comes",
		"0 8 31 4,6 *":                 "never comes",
		"0 8 ２ * *":                    "is none",
		"0 8 99999999999999999999 * *": "is not from 1 to 31",
	} {
		_, err := NewSchedule(cron, time.UTC)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", cron, err, want)
		}
	}
}

func FuzzNewSchedule(f *testing.F) {
	for _, s := range []string{"0 8 2 * *", "0 8 L * *", "0 8 1W 1-3 5#1", "0 */2 1-9/3 JAN-DEC MON,7"} {
		f.Add(s)
	}
	berlin := zone(f, "Europe/Berlin")
	f.Fuzz(func(t *testing.T, cron string) {
		s, err := NewSchedule(cron, berlin)
		if err != nil {
			return
		}
		at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		for range 3 {
			o, ok := s.Next(at)
			if !ok || !o.At.After(at) {
				t.Fatalf("%q after %s: %+v, %v", cron, at, o, ok)
			}
			at = o.At
		}
	})
}
