package dashboards

import "strings"

// languages are those that pages speak, with their own names.
func languages() []language {
	return []language{{"en", "English"}, {"zh-Hans", "简体中文"}, {"zh-Hant", "繁體中文"}}
}

type language struct{ Code, Name string }

// pick chooses a word by language; an unknown language reads English.
func pick(language, en, hans, hant string) string {
	switch language {
	case "zh-Hans":
		return hans
	case "zh-Hant":
		return hant
	default:
		return en
	}
}

// words are what a page says in one language. Those with % are formats.
type words struct {
	Skip, Periods, Languages, Pages                             string
	Month, Quarter, Year                                        string
	AsOf, Loaded, Computed                                      string
	SoFar, Between                                              string
	NotAssessable, NoRows, N, Interval, CellInterval            string
	Against, Better, Worse, Same, Chance, NotComparable, Pooled string
	Immature, SmallN, Partial, ReachedBeforeStart, NoPeriod     string
	WithoutValue, Running                                       string
	LastPeriods, YearBefore, MayChange, PaleFew, By             string
	SomeShown                                                   string
	Table, Period, Value, Notes, NotStated                      string
	Definition, Owner, Failed, FailedPage, LastGood             string
	NothingHere, NotFound, Home, NotBuilt, SeeLog               string
}

func wordsOf(language string) words {
	switch language {
	case "zh-Hans":
		return simplified()
	case "zh-Hant":
		return traditional()
	default:
		return english()
	}
}

func english() words {
	return words{
		Skip: "Skip to the figures", Periods: "Length of a period", Languages: "Language", Pages: "Pages",
		Month: "Month", Quarter: "Quarter", Year: "Year",
		AsOf: "As of %s", Loaded: "last data loaded %s", Computed: "figures computed %s",
		SoFar: "%s so far: %s", Between: "%s: %s",
		NotAssessable: "not assessable", NoRows: "no data", N: "n = %s", Interval: "95 %% interval %s to %s", CellInterval: "95 % interval",
		Against: "against %s (%s)", Better: "better", Worse: "worse", Same: "no change", Chance: "within chance",
		NotComparable: "not comparable yet", Pooled: "few cases",
		Immature: "still ripening: its window is open", SmallN: "few cases: read with care", Partial: "part of the period",
		ReachedBeforeStart: "some dates contradict each other", NoPeriod: "without a date", WithoutValue: "some rows lack the value", Running: "still running",
		LastPeriods: "Last %d %s", YearBefore: "A year before", MayChange: "Dotted or pale: may still change", PaleFew: "Pale: few cases", By: "By %s, %s",
		SomeShown: "%d of %d shown; the table has all",
		Table:     "Figures as a table", Period: "Period", Value: "Value", Notes: "Notes", NotStated: "not stated",
		Definition: "Definition", Owner: "Owner: %s", Failed: "Can't be shown", SeeLog: "%s could not be computed; the log of funnelhouse says why.", FailedPage: "The pages can't be shown: their files have mistakes.",
		LastGood:    "The project's files have mistakes; this page shows the last version without. Run funnelhouse check to see them.",
		NothingHere: "No page has been defined and no metric either.", NotFound: "There is no such page.", Home: "To the first page",
		NotBuilt: "%d of the models failed in the last build; what rests on them is as it was before.",
	}
}

func simplified() words {
	return words{
		Skip: "跳到指标", Periods: "期间长度", Languages: "语言", Pages: "页面",
		Month: "月", Quarter: "季", Year: "年",
		AsOf: "截至%s", Loaded: "最近载入数据 %s", Computed: "指标计算于 %s",
		SoFar: "%s至今：%s", Between: "%s：%s",
		NotAssessable: "无法评定", NoRows: "无数据", N: "n = %s", Interval: "95 %% 置信区间 %s 至 %s", CellInterval: "95 % 置信区间",
		Against: "较%s（%s）", Better: "改善", Worse: "变差", Same: "持平", Chance: "在随机波动内",
		NotComparable: "尚不可比", Pooled: "样本少",
		Immature: "未成熟：观察期未满", SmallN: "样本少，慎用", Partial: "不完整期间",
		ReachedBeforeStart: "部分日期相互矛盾", NoPeriod: "无日期", WithoutValue: "部分行缺少数值", Running: "进行中",
		LastPeriods: "最近 %d 个%s", YearBefore: "上年同期", MayChange: "点线或浅色：仍可能变化", PaleFew: "浅色：样本少", By: "按%s，%s",
		SomeShown: "图中显示 %d 项，共 %d 项；表中列出全部",
		Table:     "数据表", Period: "期间", Value: "数值", Notes: "备注", NotStated: "未填",
		Definition: "定义", Owner: "负责部门：%s", Failed: "无法显示", SeeLog: "%s 无法计算；原因见 funnelhouse 的日志。", FailedPage: "页面无法显示：其文件有错误。",
		LastGood:    "项目文件有错误；本页显示的是上一个无误的版本。运行 funnelhouse check 查看错误。",
		NothingHere: "尚未定义页面和指标。", NotFound: "没有这个页面。", Home: "回到首页",
		NotBuilt: "上次构建中有 %d 个模型失败；依赖它们的指标保持之前的结果。",
	}
}

func traditional() words {
	return words{
		Skip: "跳到指標", Periods: "期間長度", Languages: "語言", Pages: "頁面",
		Month: "月", Quarter: "季", Year: "年",
		AsOf: "截至%s", Loaded: "最近載入資料 %s", Computed: "指標計算於 %s",
		SoFar: "%s至今：%s", Between: "%s：%s",
		NotAssessable: "無法評定", NoRows: "無資料", N: "n = %s", Interval: "95 %% 信賴區間 %s 至 %s", CellInterval: "95 % 信賴區間",
		Against: "較%s（%s）", Better: "改善", Worse: "變差", Same: "持平", Chance: "在隨機波動內",
		NotComparable: "尚不可比", Pooled: "樣本少",
		Immature: "未成熟：觀察期未滿", SmallN: "樣本少，慎用", Partial: "不完整期間",
		ReachedBeforeStart: "部分日期相互矛盾", NoPeriod: "無日期", WithoutValue: "部分列缺少數值", Running: "進行中",
		LastPeriods: "最近 %d 個%s", YearBefore: "上年同期", MayChange: "點線或淺色：仍可能變化", PaleFew: "淺色：樣本少", By: "按%s，%s",
		SomeShown: "圖中顯示 %d 項，共 %d 項；表中列出全部",
		Table:     "資料表", Period: "期間", Value: "數值", Notes: "備註", NotStated: "未填",
		Definition: "定義", Owner: "負責部門：%s", Failed: "無法顯示", SeeLog: "%s 無法計算；原因見 funnelhouse 的日誌。", FailedPage: "頁面無法顯示：其檔案有錯誤。",
		LastGood:    "專案檔案有錯誤；本頁顯示的是上一個無誤的版本。執行 funnelhouse check 查看錯誤。",
		NothingHere: "尚未定義頁面和指標。", NotFound: "沒有這個頁面。", Home: "回到首頁",
		NotBuilt: "上次建置中有 %d 個模型失敗；依賴它們的指標保持之前的結果。",
	}
}

// flag says a row's flag in words.
func (w *words) flag(flag string) string {
	switch flag {
	case "immature":
		return w.Immature
	case "small_n":
		return w.SmallN
	case "partial":
		return w.Partial
	case "reached_before_start":
		return w.ReachedBeforeStart
	case "no_period":
		return w.NoPeriod
	case "without_value":
		return w.WithoutValue
	default:
		return strings.ReplaceAll(flag, "_", " ")
	}
}

// dimension is a dimension's name in a sentence. A project's own dimensions are
// read by their columns' names.
func dimension(name, language string) string {
	names := map[string][3]string{
		"agent": {"agent", "客服人员", "客服人員"}, "campaign": {"campaign", "活动", "活動"}, "channel": {"channel", "渠道", "通路"},
		"department": {"department", "部门", "部門"}, "edition": {"edition", "版本", "版本"}, "instrument": {"survey", "问卷", "問卷"},
		"kind": {"kind", "类别", "類別"}, "market_id": {"market", "市场", "市場"}, "owner": {"owner", "负责人", "負責人"},
		"product": {"product", "产品", "產品"}, "publisher": {"publisher", "发布者", "發布者"}, "region": {"region", "地区", "地區"},
		"release_id": {"release", "版本", "版本"}, "salesperson": {"salesperson", "销售人员", "銷售人員"}, "severity": {"severity", "严重度", "嚴重度"},
	}
	if n, ok := names[name]; ok {
		return pick(language, n[0], n[1], n[2])
	}
	return strings.ReplaceAll(name, "_", " ")
}

// periodsWord is many periods of a grain.
func periodsWord(grain, language string) string {
	switch grain {
	case "quarter":
		return pick(language, "quarters", "季度", "季")
	case "year":
		return pick(language, "years", "年", "年")
	default:
		return pick(language, "months", "月", "月")
	}
}
