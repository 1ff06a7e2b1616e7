package yamlfile

import "testing"

func TestTextIn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text Text
		lang string
		want string
	}{
		{Text{"en": "a", "zh-Hans": "b", "zh-Hant": "c"}, "zh-Hant", "c"},
		{Text{"en": "a", "zh-Hans": "b"}, "zh-Hant", "b"},
		{Text{"en": "a", "zh-Hant": "c"}, "zh-Hans", "a"},
		{Text{"en": "a"}, "zh-Hant", "a"},
		{Text{"zh-Hant": "c"}, "en", "c"},
		{Text{"zh-Hans": "b", "zh-Hant": "c"}, "fr", "b"},
		{Text{}, "en", ""},
		{nil, "zh-Hant", ""},
	} {
		if got := c.text.In(c.lang); got != c.want {
			t.Errorf("%v in %s = %q, want %q", c.text, c.lang, got, c.want)
		}
	}
}

func TestTextFromString(t *testing.T) {
	t.Parallel()
	var got struct{ A Text }
	if _, err := Decode("x.yaml", []byte("a: Lead\n"), &got); err != nil || got.A.In("zh-Hans") != "Lead" || len(got.A) != 1 {
		t.Errorf("%v %v", got.A, err)
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"maxLength", "minLength", "pattern", "zh-Hant", "id"}
	for word, want := range map[string]string{
		"max_length": "maxLength", "maxLenght": "maxLength", "patern": "pattern", "PATTERN": "pattern", "zh_hant": "zh-Hant",
		"di": "id", "colour": "", "": "", "x": "", "length": "", "图案": "",
	} {
		if got := Nearest(word, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
	if got := Nearest("a", nil); got != "" {
		t.Errorf("nearest of nothing is %q", got)
	}
}
