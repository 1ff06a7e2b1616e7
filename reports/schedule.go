package reports

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/adhocore/gronx"
)

// Schedule says when a report is due. gronx reads the expression and finds the
// next wall-clock time that fits it, as if no clock were ever changed; what that
// means on the day of a change is decided here, since no library is right about
// both: a skipped time is due at the first instant after it, a doubled time at
// its first.
type Schedule struct {
	Cron string
	Zone *time.Location
}

// Occurrence is one time at which a report is due.
type Occurrence struct {
	// Wall is the date and time on the clocks of the schedule's zone, such as
	// 2026-11-02T08:00. With the report's name it is the occurrence's identity:
	// whatever becomes of the zone's rules, a wall-clock time comes once.
	Wall string    `json:"wall"`
	At   time.Time `json:"at"`
}

const wallLayout = "2006-01-02T15:04"

// horizon is where a search for an occurrence begins that only asks whether
// there is any. It lies before a leap day.
//
//nolint:gochecknoglobals // constant
var horizon = time.Date(2023, time.March, 1, 0, 0, 0, 0, time.UTC)

// NewSchedule reads a cron expression of five fields. A report comes at most
// once an hour: its minute is one number.
func NewSchedule(cron string, zone *time.Location) (*Schedule, error) {
	fields := strings.Fields(cron)
	if len(fields) != 5 {
		return nil, fmt.Errorf("%q has %d fields and not five", cron, len(fields))
	}
	for i, f := range cronFields() {
		if err := f.check(fields[i]); err != nil {
			return nil, err
		}
	}
	if _, err := strconv.Atoi(fields[0]); err != nil {
		return nil, fmt.Errorf("the minute %s is not one number: a report comes at most once an hour", fields[0])
	}
	s := &Schedule{Cron: strings.Join(fields, " "), Zone: zone}
	if _, ok := s.nextWall(horizon); !ok {
		return nil, fmt.Errorf("%q never comes", cron)
	}
	return s, nil
}

// Next returns the first occurrence after an instant. There is none only past
// what the search can see, some years ahead.
func (s *Schedule) Next(after time.Time) (Occurrence, bool) {
	local := after.In(s.Zone)
	wall := time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), local.Second(), 0, time.UTC)
	for {
		var ok bool
		if wall, ok = s.nextWall(wall); !ok {
			return Occurrence{}, false
		}
		// In a doubled hour the clock shows again what has been: those are over.
		// Of two walls that are due at one instant the first stands for both.
		if at := instant(wall, s.Zone); at.After(after) {
			return Occurrence{Wall: wall.Format(wallLayout), At: at}, true
		}
	}
}

// nextWall works on clocks that are never changed, which those of UTC are.
func (s *Schedule) nextWall(after time.Time) (time.Time, bool) {
	next, err := gronx.NextTickAfter(s.Cron, after, false)
	return next, err == nil && next.After(after)
}

// instant is when the clocks of a zone show a wall-clock time for the first
// time, or where they skip it the first instant after the gap. time.Date
// promises neither.
func instant(wall time.Time, zone *time.Location) time.Time {
	_, before := wall.Add(-24 * time.Hour).In(zone).Zone()
	_, after := wall.Add(24 * time.Hour).In(zone).Zone()
	first := time.Time{}
	for _, offset := range []int{before, after} {
		at := wall.Add(-time.Duration(offset) * time.Second)
		_, got := at.In(zone).Zone()
		if got == offset && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	if !first.IsZero() {
		return first
	}
	// By the clocks of before the gap it lies behind the gap's end.
	end, _ := wall.Add(-time.Duration(before) * time.Second).In(zone).ZoneBounds()
	return end.UTC()
}

// cronField is what one field of an expression may hold. gronx looks at a field
// only as far as the day at hand makes it, so its own check depends on the day.
type cronField struct {
	name     string
	low      int
	high     int
	names    []string // of low, low+1, …
	specials *regexp.Regexp
}

func cronFields() []cronField {
	return []cronField{
		{name: "minute", low: 0, high: 59},
		{name: "hour", low: 0, high: 23},
		{name: "day of the month", low: 1, high: 31, specials: regexp.MustCompile(`^(L|([1-9]|[12][0-9]|3[01])W)$`)},
		{name: "month", low: 1, high: 12, names: []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}},
		{name: "day of the week", low: 0, high: 7, names: []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}, specials: regexp.MustCompile(`^[0-7](L|#[1-5])$`)},
	}
}

var cronItem = regexp.MustCompile(`^(?:\*|([0-9A-Z]+)(?:-([0-9A-Z]+))?)(?:/([0-9]+))?$`)

func (f cronField) check(text string) error {
	wrong := func(item, why string) error {
		return fmt.Errorf("the %s %q %s", f.name, item, why)
	}
	for item := range strings.SplitSeq(strings.ToUpper(text), ",") {
		if f.specials != nil && f.specials.MatchString(item) {
			continue
		}
		parts := cronItem.FindStringSubmatch(item)
		if parts == nil {
			return wrong(item, "is none")
		}
		first, errFirst := f.number(parts[1], f.low)
		last, errLast := f.number(parts[2], f.high)
		if err := errors.Join(errFirst, errLast); err != nil || first > last {
			return wrong(item, fmt.Sprintf("is not from %d to %d", f.low, f.high))
		}
		if parts[3] == "" {
			continue
		}
		if step, err := strconv.Atoi(parts[3]); err != nil || step < 1 || step > f.high {
			return wrong(item, "has no step that fits")
		}
		if parts[1] != "" && parts[2] == "" {
			return wrong(item, "steps through one number; write a range or *")
		}
	}
	return nil
}

func (f cronField) number(text string, missing int) (int, error) {
	if text == "" {
		return missing, nil
	}
	if i := slices.Index(f.names, text); i >= 0 {
		return f.low + i, nil
	}
	n, err := strconv.Atoi(text)
	if err == nil && (n < f.low || n > f.high) {
		err = errors.New("out of range")
	}
	return n, err
}
