package reports

import (
	"fmt"
	"strings"
	"time"

	"github.com/funnelhouse/funnelhouse/warehouse/metric"
)

// words is all that a report says in one language, beside the texts of the
// company's own files. Verbs of fmt stand for what is filled in.
type words struct {
	language string
	html     string // value of the lang attribute
	comma    string // between parts of a sentence
	list     string // between the items of a list
	none     string // a dimension without a value
	rest     string // and %d more

	asOf, edition string // with a day; with a number

	// Table of figures.
	figures, before, was                     string
	n, interval, share                       string // with a number; with two values; with two numbers
	better, worse, same, chance, tooFew      string
	higher, lower                            string // where neither is better
	noFigure, noPast, pastBlank              string
	tooYoung, notOver                        string
	immature, smallN, partial, beforeStart   string // smallN with a number
	withoutValue, noRows, otherFlag, carried string // otherFlag with the flag; carried with a flag and who carries it

	// Charts.
	byWord, periodWord, valueWord, nWord, intervalWord string // byWord with a metric and a dimension
	to, over                                           string // a metric over so many periods: with a label and a grain
	grains                                             map[metric.Grain]string
	altLine, altBars                                   string
	altLatest                                          string
	notShown, noData                                   string // notShown with a list
	chartFailed                                        string

	// What is lacking.
	lackingTitle               string
	cannot                     string // with a name and a reason
	unknownMetric, notBuilt    string // the second with a model
	notAsked, queryFailed      string // notAsked with a reason
	oldModel                   string // with a model, an instant and the figures
	stateFailed, prepareFailed string
	runningPeriod              string // with a day
	silent, noEvents           string // silent with an instant
	refused                    string // with a number

	// The end.
	definitions, owner, version, minimum, higherIsBetter, lowerIsBetter   string
	data, asOfKey, zoneKey, builtKey, topicKey, received, never, zoneText string
	builtNever                                                            string
	footer                                                                string // with a report, an edition and an instant
	subject                                                               string // with a title and a period

	quarter      string // with year and number
	year         string
	fiscalYear   string
	monthLayout  string
	shortMonth   string
	mediumMonth  string
	dayLayout    string
	minuteLayout string
	dimensions   map[string]string
}

// languages are those that a report can be written in.
func languages() []string { return []string{"en", "zh-Hans", "zh-Hant"} }

func wordsIn(language string) *words {
	switch language {
	case "zh-Hans":
		return hans()
	case "zh-Hant":
		return hant()
	default:
		return english()
	}
}

func english() *words {
	return &words{
		language: "en", html: "en", comma: ", ", list: ", ", none: "(none)", rest: "and %d more",
		asOf: "As of %s", edition: "edition %d",
		figures: "Figures", before: "against %s", was: "was %s",
		n: "n = %s", interval: "95 %% interval %s to %s", share: "%s of %s",
		better: "better", worse: "worse", same: "unchanged", chance: "could be chance", tooFew: "too few to judge",
		higher: "more", lower: "less",
		noFigure: "not assessable", noPast: "no data for %s", pastBlank: "not assessable in %s",
		tooYoung: "not compared: not mature yet", notOver: "not compared: the period is not over",
		immature: "Not mature yet: its youngest cases may still count later.",
		smallN:   "Few cases: fewer than %d.", partial: "The period is not over.",
		beforeStart:  "Some dates contradict each other: reached before it began.",
		withoutValue: "Some rows lack the value and are left out.", noRows: "The period has no rows.", otherFlag: "Flag: %s.", carried: "%s (%s)",
		byWord: "%s by %s", periodWord: "Period", valueWord: "Value", nWord: "n", intervalWord: "95 % interval",
		to: "%s to %s", over: "%s by %s",
		grains:  map[metric.Grain]string{metric.Month: "month", metric.Quarter: "quarter", metric.Year: "year"},
		altLine: "Line chart: %s, %s to %s.", altBars: "Bar chart: %s, %s.", altLatest: "%s: %s.",
		notShown: "Not shown, since fewer cases are behind them: %s.",
		noData:   "No data for this period.", chartFailed: "The picture could not be drawn; the figures are in the table.",
		lackingTitle: "What this report lacks", cannot: "%s could not be computed: %s",
		unknownMetric: "there is no such metric.", notBuilt: "the model %s is not built.",
		notAsked: "%s", queryFailed: "the warehouse could not answer; an analyst can find out why.",
		oldModel:    "The model %s could not be rebuilt; figures from it are as of %s: %s.",
		stateFailed: "How fresh the data is could not be found out.", prepareFailed: "The data could not be brought up to date before this report was made; it may lack the latest events.",
		runningPeriod: "The period is not over: figures go up to %s and are not compared.",
		silent:        "No event of this period has come: the latest one is of %s.", noEvents: "No event has come yet.",
		refused:     "%s records of the period broke their contract and are in no figure.",
		definitions: "What the figures mean", owner: "owner: %s", version: "version %d", minimum: "judged from n = %d",
		higherIsBetter: "higher is better", lowerIsBetter: "lower is better",
		data: "Where the figures come from", asOfKey: "As of", zoneKey: "Time zone", builtKey: "Models built", topicKey: "Last event in %s",
		received: "%s, received %s", never: "none yet", zoneText: "%s: in it a business day begins", builtNever: "not yet",
		footer: "%s, edition %d, made on %s by funnelhouse.", subject: "%s, %s",
		quarter: "Q%[2]d %[1]s", year: "%s", fiscalYear: "fiscal year %s",
		monthLayout: "January 2006", shortMonth: "Jan 06", mediumMonth: "Jan 2006", dayLayout: "2 January 2006", minuteLayout: "2 January 2006, 15:04",
		dimensions: map[string]string{
			"market_id": "market", "release_id": "release",
		},
	}
}

func hans() *words {
	return &words{
		language: "zh-Hans", html: "zh-Hans", comma: "，", list: "、", none: "（无）", rest: "等另外 %d 项",
		asOf: "数据截至%s", edition: "第 %d 版",
		figures: "指标", before: "较%s", was: "原为 %s",
		n: "n = %s", interval: "95%% 区间 %s 至 %s", share: "%s / %s",
		better: "改善", worse: "变差", same: "持平", chance: "可能是偶然", tooFew: "样本太少，不作判断",
		higher: "增加", lower: "减少",
		noFigure: "无法评估", noPast: "%s没有数据", pastBlank: "%s无法评估",
		tooYoung: "不作比较：尚未成熟", notOver: "不作比较：本期尚未结束",
		immature: "尚未成熟：较新的个案以后仍可能计入。",
		smallN:   "个案较少：不足 %d。", partial: "本期尚未结束。",
		beforeStart:  "部分日期自相矛盾：达成早于开始。",
		withoutValue: "部分行缺少数值，未计入。", noRows: "本期没有任何记录。", otherFlag: "标记：%s。", carried: "%s（%s）",
		byWord: "%s · 按%s", periodWord: "期间", valueWord: "数值", nWord: "n", intervalWord: "95% 区间",
		to: "%s至%s", over: "%s · 按%s",
		grains:  map[metric.Grain]string{metric.Month: "月", metric.Quarter: "季度", metric.Year: "年"},
		altLine: "折线图：%s，%s至%s。", altBars: "柱状图：%s，%s。", altLatest: "%s：%s。",
		notShown: "个案较少，未显示：%s。",
		noData:   "本期没有数据。", chartFailed: "图表无法绘制；数值见下表。",
		lackingTitle: "本报告缺少的内容", cannot: "%s无法计算：%s",
		unknownMetric: "没有这个指标。", notBuilt: "模型 %s 尚未构建。",
		notAsked: "%s", queryFailed: "数据仓库未能作答，分析人员可以查明原因。",
		oldModel:    "模型 %s 未能重建；由它得出的数值截至%s：%s。",
		stateFailed: "无法得知数据的新旧程度。", prepareFailed: "制作本报告前数据未能更新，可能缺少最新的事件。",
		runningPeriod: "本期尚未结束：数值截至%s，不作比较。",
		silent:        "本期没有收到任何事件：最近的事件发生于%s。", noEvents: "尚未收到任何事件。",
		refused:     "本期有 %s 条记录不符合约定，未计入任何数值。",
		definitions: "指标说明", owner: "负责：%s", version: "第 %d 版定义", minimum: "n 达到 %d 才作判断",
		higherIsBetter: "越高越好", lowerIsBetter: "越低越好",
		data: "数据来源", asOfKey: "截至", zoneKey: "时区", builtKey: "模型构建", topicKey: "%s 最近的事件",
		received: "%s，%s收到", never: "尚无", zoneText: "%s，营业日以此划分", builtNever: "尚未构建",
		footer: "%s，第 %d 版，由 funnelhouse 制作于%s。", subject: "%s · %s",
		quarter: "%[1]s年第%[2]d季度", year: "%s年", fiscalYear: "%s财年",
		monthLayout: "2006年1月", shortMonth: "06年1月", mediumMonth: "2006年1月", dayLayout: "2006年1月2日", minuteLayout: "2006年1月2日 15:04",
		dimensions: map[string]string{
			"channel": "渠道", "product": "产品", "region": "区域", "market_id": "市场", "salesperson": "销售人员", "department": "部门",
			"campaign": "活动", "kind": "类别", "agent": "客服人员", "instrument": "问卷", "severity": "严重程度", "release_id": "发布版本",
			"owner": "负责人", "publisher": "发布者", "edition": "版本",
		},
	}
}

func hant() *words {
	return &words{
		language: "zh-Hant", html: "zh-Hant", comma: "，", list: "、", none: "（無）", rest: "等另外 %d 項",
		asOf: "資料截至%s", edition: "第 %d 版",
		figures: "指標", before: "較%s", was: "原為 %s",
		n: "n = %s", interval: "95%% 區間 %s 至 %s", share: "%s / %s",
		better: "改善", worse: "變差", same: "持平", chance: "可能是偶然", tooFew: "樣本太少，不作判斷",
		higher: "增加", lower: "減少",
		noFigure: "無法評估", noPast: "%s沒有資料", pastBlank: "%s無法評估",
		tooYoung: "不作比較：尚未成熟", notOver: "不作比較：本期尚未結束",
		immature: "尚未成熟：較新的個案以後仍可能計入。",
		smallN:   "個案較少：不足 %d。", partial: "本期尚未結束。",
		beforeStart:  "部分日期自相矛盾：達成早於開始。",
		withoutValue: "部分列缺少數值，未計入。", noRows: "本期沒有任何記錄。", otherFlag: "標記：%s。", carried: "%s（%s）",
		byWord: "%s · 按%s", periodWord: "期間", valueWord: "數值", nWord: "n", intervalWord: "95% 區間",
		to: "%s至%s", over: "%s · 按%s",
		grains:  map[metric.Grain]string{metric.Month: "月", metric.Quarter: "季", metric.Year: "年"},
		altLine: "折線圖：%s，%s至%s。", altBars: "長條圖：%s，%s。", altLatest: "%s：%s。",
		notShown: "個案較少，未顯示：%s。",
		noData:   "本期沒有資料。", chartFailed: "圖表無法繪製；數值見下表。",
		lackingTitle: "本報告缺少的內容", cannot: "%s無法計算：%s",
		unknownMetric: "沒有這個指標。", notBuilt: "模型 %s 尚未建置。",
		notAsked: "%s", queryFailed: "資料倉儲未能作答，分析人員可以查明原因。",
		oldModel:    "模型 %s 未能重建；由它得出的數值截至%s：%s。",
		stateFailed: "無法得知資料的新舊程度。", prepareFailed: "製作本報告前資料未能更新，可能缺少最新的事件。",
		runningPeriod: "本期尚未結束：數值截至%s，不作比較。",
		silent:        "本期沒有收到任何事件：最近的事件發生於%s。", noEvents: "尚未收到任何事件。",
		refused:     "本期有 %s 筆記錄不符合約定，未計入任何數值。",
		definitions: "指標說明", owner: "負責：%s", version: "第 %d 版定義", minimum: "n 達到 %d 才作判斷",
		higherIsBetter: "越高越好", lowerIsBetter: "越低越好",
		data: "資料來源", asOfKey: "截至", zoneKey: "時區", builtKey: "模型建置", topicKey: "%s 最近的事件",
		received: "%s，%s收到", never: "尚無", zoneText: "%s，營業日以此劃分", builtNever: "尚未建置",
		footer: "%s，第 %d 版，由 funnelhouse 製作於%s。", subject: "%s · %s",
		quarter: "%[1]s年第%[2]d季", year: "%s年", fiscalYear: "%s財年",
		monthLayout: "2006年1月", shortMonth: "06年1月", mediumMonth: "2006年1月", dayLayout: "2006年1月2日", minuteLayout: "2006年1月2日 15:04",
		dimensions: map[string]string{
			"channel": "渠道", "product": "產品", "region": "區域", "market_id": "市場", "salesperson": "銷售人員", "department": "部門",
			"campaign": "活動", "kind": "類別", "agent": "客服人員", "instrument": "問卷", "severity": "嚴重程度", "release_id": "發布版本",
			"owner": "負責人", "publisher": "發布者", "edition": "版本",
		},
	}
}

// period names a period: October 2026, Q3 2026, 2026.
func (w *words) period(p metric.Period) string {
	return w.named(p, w.monthLayout)
}

// short names a period where there is little room.
func (w *words) short(p metric.Period) string {
	return w.named(p, w.shortMonth)
}

// medium names a period in a table's head.
func (w *words) medium(p metric.Period) string {
	return w.named(p, w.mediumMonth)
}

func (w *words) named(p metric.Period, month string) string {
	year, quarter, isQuarter := strings.Cut(p.Label, "-Q")
	switch {
	case p.Grain == metric.Month:
		return p.Start.Format(month)
	case p.Grain == metric.Quarter && isQuarter:
		return fmt.Sprintf(w.quarter, year, int(quarter[0]-'0'))
	case p.Grain == metric.Year && strings.Contains(p.Label, "/"):
		return fmt.Sprintf(w.fiscalYear, p.Label)
	case p.Grain == metric.Year:
		return fmt.Sprintf(w.year, p.Label)
	}
	return p.Label
}

func (w *words) day(t time.Time) string { return t.Format(w.dayLayout) }

func (w *words) minute(t time.Time, zone *time.Location) string {
	return t.In(zone).Format(w.minuteLayout)
}

// dimension names a dimension.
func (w *words) dimension(name string) string {
	if word := w.dimensions[name]; word != "" {
		return word
	}
	return strings.ReplaceAll(strings.TrimSuffix(name, "_id"), "_", " ")
}

// value names a value of a dimension.
func (w *words) dimensionValue(value *string) string {
	if value == nil {
		return w.none
	}
	return *value
}
