package yamlfile

import "slices"

// languages are those that the project speaks, in the order of their use when
// none of a reader's own is there.
func languages() []string { return []string{"en", "zh-Hans", "zh-Hant"} }

// Text is text shown to people, by language: en, zh-Hans, zh-Hant. In a file
// it is a map, or one string, which stands for en.
type Text map[string]string

// In returns the text in that language, otherwise in the next best one:
// zh-Hans for zh-Hant, then en, then any. It is empty only for an empty Text.
func (t Text) In(lang string) string {
	order := []string{lang}
	if lang == "zh-Hant" {
		order = append(order, "zh-Hans")
	}
	for _, l := range append(order, languages()...) {
		if s, ok := t[l]; ok {
			return s
		}
	}
	return ""
}

// UnmarshalYAML reads a string or a map by language.
func (t *Text) UnmarshalYAML(decode func(any) error) error {
	var v any
	if err := decode(&v); err != nil {
		return err
	}
	if _, ok := v.(map[string]any); !ok {
		var s string
		if err := decode(&s); err != nil {
			return err
		}
		*t = Text{"en": s}
		return nil
	}
	m := map[string]string{}
	if err := decode(&m); err != nil {
		return err
	}
	var list []*Problem
	for lang := range m {
		if !slices.Contains(languages(), lang) {
			list = append(list, &Problem{
				Field: lang, Message: "unknown language", Fix: "write " + oneOf(lang, languages()),
			})
		}
	}
	if err := join(list); err != nil {
		return err
	}
	if len(m) == 0 {
		return &Problem{Message: "names no language", Fix: "write " + oneOf("", languages())}
	}
	*t = m
	return nil
}

// JSONSchema describes a Text for editors.
func (Text) JSONSchema() map[string]any {
	byLanguage := map[string]any{}
	for _, lang := range languages() {
		byLanguage[lang] = map[string]any{"type": "string"}
	}
	return map[string]any{"oneOf": []any{
		map[string]any{"type": "string"},
		map[string]any{
			"type": "object", "properties": byLanguage, "minProperties": 1, "additionalProperties": false,
		},
	}}
}
