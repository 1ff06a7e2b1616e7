package reports

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/funnelhouse/funnelhouse/internal/yamlfile"
	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// fakeFigures is a made-up company: figures that follow from their code, period
// and dimension alone.
type fakeFigures struct {
	metrics fakeDefinitions
	// broken makes a metric's query fail.
	broken map[string]error
	state  State
	// stateErr is State's.
	stateErr error
	// first is the month before which nothing is known.
	first time.Time
	asked []metric.Request
}

var values = map[string][]string{
	"channel": {"web", "referral", "fair", "partner", "phone", "social", "unknown"},
	"product": {"Atlas 200", "Atlas 400", "Boreal", "Cirrus Cloud Edition"},
}

func text(en, hans, hant string) yamlfile.Text {
	return yamlfile.Text{"en": en, "zh-Hans": hans, "zh-Hant": hant}
}

func newFake() *fakeFigures {
	dims := []string{"channel", "product"}
	f := &fakeFigures{
		metrics: fakeDefinitions{}, broken: map[string]error{}, first: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC),
		state: State{
			Models: []ModelState{{Name: "marts.leads", BuiltAt: time.Date(2026, 11, 1, 23, 58, 0, 0, time.UTC)}},
			Topics: []TopicState{
				{Name: "crm.events", OccurredAt: time.Date(2026, 11, 1, 23, 51, 0, 0, time.UTC), ReceivedAt: time.Date(2026, 11, 1, 23, 57, 0, 0, time.UTC)},
				{Name: "rnd.events", OccurredAt: time.Date(2026, 10, 30, 9, 11, 0, 0, time.UTC), ReceivedAt: time.Date(2026, 10, 30, 9, 12, 0, 0, time.UTC)},
				{Name: "survey.events"},
			},
			Refused: 1234,
		},
	}
	for _, m := range []*metric.Metric{
		{Name: "converted_customers", Kind: metric.Count, Unit: "count", Direction: "higher", Labels: text("Converted customers", "转化客户数", "轉化客戶數"), Description: text("Customers whose first contract took effect in the period.", "首份合同在本期生效的客户。", "首份合同在本期生效的客戶。")},
		{Name: "bookings", Kind: metric.Sum, Unit: "currency", Direction: "higher", Labels: text("Bookings", "签约额", "簽約額"), Description: text("Value of the contracts that took effect in the period, net of cancellations and amendments.", "本期生效合同的金额，扣除取消与变更。", "本期生效合同的金額，扣除取消與變更。")},
		{Name: "lead_to_won", Kind: metric.Conversion, Window: 180, Unit: "percent", Direction: "higher", MinimumN: 30, Labels: text("Lead-to-customer rate", "线索成交率", "線索成交率"), Description: text("Share of the leads created in the period that became customers within 180 days.", "本期新增线索中在 180 天内成交的比例。", "本期新增線索中在 180 天內成交的比例。")},
		{Name: "csat_top2", Kind: metric.Ratio, Unit: "percent", Direction: "higher", MinimumN: 30, Labels: text("Customer satisfaction (top 2)", "客户满意度（前两级占比）", "客戶滿意度（前兩級佔比）"), Description: text("Share of valid answers of 4 or 5 on the five-point scale.", "五级评分中 4 分和 5 分的有效回答占比。", "五級評分中 4 分和 5 分的有效回答佔比。")},
		{Name: "nps", Kind: metric.Average, Unit: "points", Direction: "higher", MinimumN: 30, Labels: text("Net Promoter Score", "净推荐值", "淨推薦值"), Description: text("Promoters less detractors, in points from -100 to 100.", "推荐者减贬损者，-100 至 100 分。", "推薦者減貶損者，-100 至 100 分。")},
		{Name: "share_revenue", Kind: metric.Derived, Unit: "percent", Direction: "higher", Labels: text("Market share by value", "金额份额", "金額份額"), Description: text("Own bookings of the market by its published size.", "本公司在该市场的签约额与已公布市场规模之比。", "本公司在該市場的簽約額與已公布市場規模之比。")},
		{Name: "otd_original", Kind: metric.Ratio, Unit: "percent", Direction: "higher", MinimumN: 10, Labels: text("On-time delivery (first commitment)", "准时交付率（对原承诺）", "準時交付率（對原承諾）"), Description: text("Share of the items due in the period that were delivered by the first committed day.", "本期到期事项中按最初承诺日期交付的比例。", "本期到期事項中按最初承諾日期交付的比例。")},
		{Name: "defect_density", Kind: metric.Ratio, Unit: "number", Direction: "lower", Labels: text("Defect density", "缺陷密度", "缺陷密度"), Description: text("Confirmed defects for each thousand lines of the releases of the period.", "本期发布版本每千行代码的已确认缺陷数。", "本期發布版本每千行程式碼的已確認缺陷數。")},
		{Name: "first_response_time", Kind: metric.Percentile, Unit: "minutes", Direction: "lower", Labels: text("First response time", "首次响应时间", "首次響應時間"), Description: text("Median time to the first public reply of a person.", "首次人工公开回复的中位时间。", "首次人工公開回覆的中位時間。")},
	} {
		m.Dimensions, m.Owner, m.Version, m.Model = dims, "marketing", 2, "marts.leads"
		f.metrics[m.Name] = m
	}
	return f
}

func (f *fakeFigures) Get(code string) (*metric.Metric, error) { return f.metrics.Get(code) }
func (f *fakeFigures) Close() error                            { return nil }
func (f *fakeFigures) State(context.Context, metric.Period) (State, error) {
	return f.state, f.stateErr
}

func (f *fakeFigures) Query(_ context.Context, req metric.Request) (*metric.Table, error) {
	f.asked = append(f.asked, req)
	if err := f.broken[req.Metric]; err != nil {
		return nil, err
	}
	m, err := f.Get(req.Metric)
	if err != nil {
		return nil, &metric.RequestError{Field: "metric", Err: err}
	}
	for _, d := range req.By {
		if !slices.Contains(m.Dimensions, d) {
			return nil, &metric.RequestError{Field: "by", Err: fmt.Errorf("%s has no dimension %q", m.Name, d)}
		}
	}
	var c metric.Company
	from, errFrom := c.ParsePeriod(req.From)
	to, errTo := c.ParsePeriod(req.To)
	if err := errors.Join(errFrom, errTo); err != nil {
		return nil, err
	}
	t := &metric.Table{Metric: m, Grain: req.Grain, Dimensions: req.By}
	for p := from; !p.Start.After(to.Start); p = c.PeriodOf(p.End.AddDate(0, 0, 1), req.Grain) {
		if p.Start.Before(f.first) || p.Start.After(req.AsOf) {
			continue
		}
		if len(req.By) == 0 {
			t.Rows = append(t.Rows, f.row(m, p, nil, req.AsOf))
			continue
		}
		for i := range append(values[req.By[0]], "") {
			r := f.row(m, p, &i, req.AsOf)
			r.Dimensions = []*string{nil}
			if i < len(values[req.By[0]]) {
				r.Dimensions[0] = &values[req.By[0]][i]
			}
			t.Rows = append(t.Rows, r)
		}
	}
	return t, nil
}

// row makes a figure up: a season, a trend, and something of its own.
func (f *fakeFigures) row(m *metric.Metric, p metric.Period, part *int, asOf time.Time) metric.Row {
	start := p.Start
	months := float64((start.Year()-2024)*12 + int(start.Month()) - 1)
	wave := math.Sin(months*math.Pi/6) + 0.4*math.Sin(months*2.7+float64(len(m.Name)))
	size := 1.0
	if part != nil {
		size = 0.35 / float64(*part+1)
		wave += 0.7 * math.Cos(float64(*part)*2.1)
	}
	r := metric.Row{Period: p.Label, Start: &start}
	n := int64(math.Round((400 + 6*months + 40*wave) * size))
	set := func(v float64) { r.Value = &v }
	share := func(p float64) {
		k := math.Round(float64(n) * p)
		set(k / float64(n))
		r.Numerator, r.Denominator = strconv.FormatFloat(k, 'f', -1, 64), strconv.FormatInt(n, 10)
		half := 1.96 * math.Sqrt(*r.Value*(1-*r.Value)/float64(n))
		low, high := max(*r.Value-half, 0), min(*r.Value+half, 1)
		r.CILow, r.CIHigh = &low, &high
	}
	switch m.Name {
	case "converted_customers":
		n /= 6
		set(float64(n))
		r.Numerator = strconv.FormatInt(n, 10)
	case "bookings":
		n /= 5
		v := math.Round(float64(n) * (48000 + 300*months + 4000*wave))
		set(v)
		r.Numerator = strconv.FormatFloat(v, 'f', -1, 64)
	case "lead_to_won":
		share(0.12 + 0.01*wave + 0.0006*months)
		if p.End.AddDate(0, 0, m.Window).After(asOf) {
			r.Flags = append(r.Flags, metric.Immature)
		}
	case "csat_top2":
		share(0.78 + 0.02*wave + 0.001*months)
	case "otd_original":
		n /= 9
		share(0.71 + 0.1*wave)
	case "share_revenue":
		set(0.083 + 0.0007*months + 0.004*wave)
		r.Numerator, r.Denominator = "4312345.5", "50123456"
	case "defect_density":
		n /= 8
		set(1.9 - 0.02*months + 0.2*wave)
	case "first_response_time":
		set(42 - 0.3*months + 6*wave)
	case "nps":
		v := 31 + 0.4*months + 5*wave
		set(v)
		low, high := v-7, v+7
		r.CILow, r.CIHigh = &low, &high
	}
	if m.Kind != metric.Derived {
		r.N = &n
		if n < int64(m.MinimumN) {
			r.Flags = append(r.Flags, metric.SmallN)
		}
	}
	return r
}

func quietLogger() *slog.Logger { return slog.New(slog.DiscardHandler) }
