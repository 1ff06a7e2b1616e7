package demo

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Truth is the company's own account of itself: what it has sent, and what
// every metric has to say about it as of the end. It is written as
// data/truth.json.
type Truth struct {
	Parameters Parameters `json:"parameters"`
	// AsOf is the last day on which the company acted, 2026-09-30.
	AsOf     string   `json:"as_of"`
	Zone     string   `json:"zone"`
	Currency string   `json:"currency"`
	Sent     Sent     `json:"sent"`
	Figures  []Figure `json:"figures"`
}

// Parameters are what a company is made from.
type Parameters struct {
	Seed   uint64  `json:"seed"`
	Months int     `json:"months"`
	Scale  float64 `json:"scale"`
	// End is the last month, 2026-09.
	End string `json:"end"`
}

// Sent counts messages. Every message is an event, broken or a tombstone.
type Sent struct {
	Messages   int `json:"messages"`
	Events     int `json:"events"`     // valid ones, duplicates included
	Duplicates int `json:"duplicates"` // events that were sent before
	Tombstones int `json:"tombstones"`
	// Broken counts by the reason for which a message has to be refused.
	Broken map[string]int `json:"broken"`
	// Topics counts the messages of each topic.
	Topics map[string]int `json:"topics"`
}

// Figure is everything that a metric says at one grain, split one way.
type Figure struct {
	Metric string   `json:"metric"`
	Grain  string   `json:"grain"` // month, quarter, year or total
	By     []string `json:"by"`
	Rows   []Row    `json:"rows"`
}

// Row is a metric's value in a period. What a kind of metric doesn't have is
// left out: a count has no denominator, a percentile neither numerator nor
// denominator, a derived metric no n.
type Row struct {
	Period      string      `json:"period"`
	Dimensions  []*string   `json:"dimensions"` // in the order of By
	Numerator   json.Number `json:"numerator,omitempty"`
	Denominator json.Number `json:"denominator,omitempty"`
	Value       *float64    `json:"value"` // null: not assessable
	N           *int64      `json:"n,omitempty"`
}

// kind is how a metric is made of its facts.
type kind int

const (
	counted   kind = iota // how many facts
	added                 // the sum of tops
	share                 // facts of which top is 1, by all facts
	quotient              // the sum of tops by the sum of bottoms
	averaged              // the sum of tops by the number of facts
	different             // how many keys
	middle                // the median of tops
	divided               // one metric by another
)

// fact is one row that a metric is made of. Amounts count millionths.
type fact struct {
	day         day
	dims        []string // in the order of the metric's; empty: null
	top, bottom int64
	key         string
}

// million is what an amount of 1 counts.
const million = 1_000_000

// account is a metric with its facts.
type account struct {
	metric string
	kind   kind
	dims   []string
	facts  []fact
	// of one that divides one metric by another
	own, by *account
	across  []string // dimensions that by is never split by
}

// books hold all accounts.
type books struct {
	a        *actor
	accounts map[string]*account
	order    []string
	first    map[*lead]*lead // of the leads that were merged into one the earliest
	labels   map[labelKey]string
	homes    map[*employee][]assignment
}

type labelKey struct {
	day   day
	grain string
}

func grains() []string { return []string{"month", "quarter", "year", "total"} }

// keepBooks closes the books: it makes every metric of what the company knows.
func (a *actor) keepBooks() *Truth {
	b := &books{
		a: a, accounts: map[string]*account{}, first: map[*lead]*lead{}, labels: map[labelKey]string{},
		homes: map[*employee][]assignment{},
	}
	b.keepLeads()
	b.keepDeals()
	b.keepContracts()
	b.keepMarkets()
	b.keepService()
	b.keepSurveys()
	b.keepItems()
	b.keepReleases()
	t := &Truth{
		Parameters: Parameters{a.cfg.Seed, a.cfg.Months, a.cfg.Scale, a.lastDay.date().Format("2006-01")},
		AsOf:       a.lastDay.date().Format(time.DateOnly), Zone: a.cfg.Zone.String(), Currency: a.cfg.Currency,
		Sent: Sent{
			Messages: len(a.out.messages), Events: a.out.events + a.duplicates, Duplicates: a.duplicates, Tombstones: a.tombstones,
			Broken: a.broken, Topics: map[string]int{},
		},
	}
	for i := range a.out.messages {
		t.Sent.Topics[a.out.messages[i].Topic]++
	}
	for _, name := range b.order {
		acc := b.accounts[name]
		for _, s := range acc.splits() {
			t.Figures = append(t.Figures, Figure{name, s.grain, s.by, b.rows(acc, s.grain, s.by)})
		}
	}
	return t
}

// split is one way of asking for a metric.
type split struct {
	grain string
	by    []string
}

// splits are the ways that the books are kept in: whole at every grain, by each
// dimension by quarter, by department by month, and by two at once.
func (acc *account) splits() []split {
	var list []split
	for _, g := range grains() {
		list = append(list, split{g, []string{}})
	}
	for _, d := range acc.dims {
		list = append(list, split{"quarter", []string{d}})
		if d == "department" {
			list = append(list, split{"month", []string{d}})
		}
	}
	if n := len(acc.dims); n > 1 {
		list = append(list, split{"total", []string{acc.dims[n-1], acc.dims[0]}})
	}
	return list
}

// open begins an account.
func (b *books) open(metric string, k kind, dims ...string) *account {
	acc := &account{metric: metric, kind: k, dims: dims}
	b.accounts[metric] = acc
	b.order = append(b.order, metric)
	return acc
}

// divide keeps an account that divides one metric by another, which is never
// split by some dimensions.
func (b *books) divide(metric, own, by string, dims []string, across ...string) {
	acc := b.open(metric, divided, dims...)
	acc.own, acc.by, acc.across = b.accounts[own], b.accounts[by], across
}

// enter puts a fact into the account, unless it lies after the end.
func (acc *account) enter(b *books, f fact) {
	if f.day != noDay && f.day <= b.a.lastDay {
		acc.facts = append(acc.facts, f)
	}
}

// cell is what the facts of one row come to.
type cell struct {
	period      string
	dims        []string
	top, bottom int64
	n           int64
	values      []int64
	keys        map[string]struct{}
}

// cells groups an account's facts.
func (b *books) cells(acc *account, grain string, by []string) map[string]*cell {
	places := make([]int, len(by))
	for i, d := range by {
		places[i] = slices.Index(acc.dims, d)
	}
	cells := map[string]*cell{}
	key := make([]byte, 0, 100)
	for i := range acc.facts {
		f := &acc.facts[i]
		period := b.label(f.day, grain)
		key = append(key[:0], period...)
		for _, p := range places {
			key = append(append(key, 0), f.dims[p]...)
		}
		c := cells[string(key)]
		if c == nil {
			c = &cell{period: period, dims: make([]string, len(by))}
			for j, p := range places {
				c.dims[j] = f.dims[p]
			}
			cells[string(key)] = c
		}
		c.add(acc.kind, f)
	}
	return cells
}

func (c *cell) add(k kind, f *fact) {
	c.n++
	c.top += f.top
	c.bottom += f.bottom
	switch k {
	case middle:
		c.values = append(c.values, f.top)
	case different:
		if c.keys == nil {
			c.keys = map[string]struct{}{}
		}
		c.keys[f.key] = struct{}{}
	default:
	}
}

// rows are an account's rows by period and dimensions, nulls last.
func (b *books) rows(acc *account, grain string, by []string) []Row {
	var rows []Row
	if acc.kind == divided {
		rows = b.quotients(acc, grain, by)
	} else {
		for _, c := range b.cells(acc, grain, by) {
			rows = append(rows, c.row(acc.kind))
		}
	}
	slices.SortFunc(rows, func(x, y Row) int {
		if c := strings.Compare(x.Period, y.Period); c != 0 {
			return c
		}
		return slices.CompareFunc(x.Dimensions, y.Dimensions, func(v, w *string) int {
			if v == nil || w == nil {
				return cmp.Compare(btoi(v == nil), btoi(w == nil))
			}
			return strings.Compare(*v, *w)
		})
	})
	return rows
}

func btoi(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func (c *cell) row(k kind) Row {
	r := Row{Period: c.period, Dimensions: pointers(c.dims), N: &c.n}
	switch k {
	case counted:
		r.Numerator, r.Value = decimal(c.n*million), new(float64(c.n))
	case added:
		r.Numerator, r.Value = decimal(c.top), new(float64(c.top)/million)
	case different:
		n := int64(len(c.keys))
		r.Numerator, r.Value = decimal(n*million), new(float64(n))
	case share, averaged:
		r.Numerator, r.Denominator = decimal(c.top), decimal(c.n*million)
		r.Value = new(float64(c.top) / million / float64(c.n))
	case quotient:
		r.Numerator, r.Denominator = decimal(c.top), decimal(c.bottom)
		r.Value = ratio(c.top, c.bottom)
	case middle:
		r.Value = new(median(c.values) / million)
	case divided:
	}
	return r
}

// quotients divide one metric by another where either has anything. Where the
// first can't be split as asked, only the second's rows count, and the other
// way round.
func (b *books) quotients(acc *account, grain string, by []string) []Row {
	whole := slices.DeleteFunc(slices.Clone(by), func(d string) bool { return slices.Contains(acc.across, d) })
	own, other := b.cells(acc.own, grain, by), b.cells(acc.by, grain, whole)
	places := make([]int, len(whole))
	for i, d := range whole {
		places[i] = slices.Index(by, d)
	}
	var rows []Row
	seen := map[string]bool{}
	for _, c := range own {
		key := []byte(c.period)
		for _, p := range places {
			key = append(append(key, 0), c.dims[p]...)
		}
		seen[string(key)] = true
		rows = append(rows, division(c, c.amount(acc.own.kind), other[string(key)].amount(acc.by.kind)))
	}
	if len(whole) == len(by) {
		for key, c := range other {
			if !seen[key] {
				rows = append(rows, division(c, 0, c.amount(acc.by.kind)))
			}
		}
	}
	return rows
}

// amount is what a count or a sum comes to; nothing is 0.
func (c *cell) amount(k kind) int64 {
	switch {
	case c == nil:
		return 0
	case k == counted:
		return c.n * million
	default:
		return c.top
	}
}

func division(c *cell, top, bottom int64) Row {
	return Row{
		Period: c.period, Dimensions: pointers(c.dims), Numerator: decimal(top), Denominator: decimal(bottom), Value: ratio(top, bottom),
	}
}

func ratio(top, bottom int64) *float64 {
	if bottom == 0 {
		return nil
	}
	return new(float64(top) / float64(bottom))
}

// median lies half way between the two in the middle where there is none.
func median(values []int64) float64 {
	slices.Sort(values)
	at := float64(len(values)-1) / 2
	low, high := values[int(math.Floor(at))], values[int(math.Ceil(at))]
	return (float64(low) + float64(high)) / 2
}

// decimal writes millionths as a number without trailing zeros.
func decimal(millionths int64) json.Number {
	text := string(appendDecimal(nil, millionths, 6))
	return json.Number(strings.TrimSuffix(strings.TrimRight(text, "0"), "."))
}

func pointers(texts []string) []*string {
	list := make([]*string, len(texts))
	for i := range texts {
		if texts[i] != "" {
			list[i] = &texts[i]
		}
	}
	return list
}

// label names the period of a day.
func (b *books) label(d day, grain string) string {
	if grain == "total" {
		return grain
	}
	key := labelKey{d, grain}
	if l, ok := b.labels[key]; ok {
		return l
	}
	date := d.date()
	starts := b.a.cfg.FiscalYearStarts
	past := (int(date.Month()) - int(starts) + 12) % 12 // months since the year began
	first := date.Year()
	if date.Month() < starts {
		first--
	}
	year := fmt.Sprintf("%04d", first)
	if starts != time.January {
		year = fmt.Sprintf("%04d/%02d", first, (first+1)%100)
	}
	l := year
	switch grain {
	case "month":
		l = date.Format("2006-01")
	case "quarter":
		l = fmt.Sprintf("%s-Q%d", year, past/3+1)
	}
	b.labels[key] = l
	return l
}

// department is where somebody belonged on a day.
func (b *books) department(e *employee, on day) string {
	if e == nil || on == noDay {
		return ""
	}
	homes, known := b.homes[e]
	if !known {
		homes = e.departments()
		b.homes[e] = homes
	}
	for i := range homes {
		if homes[i].from <= on && (homes[i].to == noDay || on <= homes[i].to) {
			return homes[i].unit
		}
	}
	return ""
}

func name(e *employee) string {
	if e == nil {
		return ""
	}
	return e.id
}
