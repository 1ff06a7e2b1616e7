package charts

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

func unitWord(unit, language string) string {
	switch unit {
	case "days":
		return pick(language, "days", "天", "天")
	case "hours":
		return pick(language, "h", "小时", "小時")
	default:
		return pick(language, "min", "分钟", "分鐘")
	}
}

func pointsWord(language string) string {
	return pick(language, " pp", " 个百分点", " 個百分點")
}
