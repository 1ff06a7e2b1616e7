package ingest

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestParseDecimal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text             string
		precision, scale int
		want             string // unscaled, or a reason
	}{
		{"0", 10, 2, "0"},
		{"-0.00", 10, 2, "0"},
		{"12.5", 10, 2, "1250"},
		{"12.500", 10, 2, "1250"},
		{"1.25e1", 10, 2, "1250"},
		{"125000E-4", 10, 2, "1250"},
		{"0.00001e6", 10, 2, "1000"},
		{"12.505", 10, 2, "scale"},
		{"99999999.99", 10, 2, "9999999999"},
		{"100000000", 10, 2, "scale"},
		{"1e7", 10, 2, "1000000000"},
		{"1e8", 10, 2, "scale"},
		{"0e9999", 10, 2, "0"},
		{"1e-9999", 10, 2, "scale"},
		{"1e99999", 10, 2, "wrong_type"},
		{strings.Repeat("9", 38), 38, 0, strings.Repeat("9", 38)},
		{"-" + strings.Repeat("9", 38), 38, 0, "-" + strings.Repeat("9", 38)},
		{strings.Repeat("0", 100) + "7", 38, 0, "7"},
		{"", 10, 2, "wrong_type"},
		{"-", 10, 2, "wrong_type"},
		{".5", 10, 2, "wrong_type"},
		{"5.", 10, 2, "wrong_type"},
		{"1.2.3", 10, 2, "wrong_type"},
		{"1e", 10, 2, "wrong_type"},
		{"0x10", 10, 2, "wrong_type"},
		{" 1", 10, 2, "wrong_type"},
	} {
		d, reason := parseDecimal([]byte(c.text), c.precision, c.scale)
		got := string(reason)
		if reason == "" {
			got = d.big().String()
		}
		if got != c.want {
			t.Errorf("parseDecimal(%q, %d, %d) = %s, want %s", c.text, c.precision, c.scale, got, c.want)
		}
	}
}

func (d decimal) big() *big.Int {
	n := new(big.Int).Lsh(big.NewInt(d.hi), 64)
	return n.Add(n, new(big.Int).SetUint64(d.lo))
}

func FuzzParseDecimal(f *testing.F) {
	f.Add("12.50", 10, 2)
	f.Add("-1e-3", 38, 10)
	f.Fuzz(func(t *testing.T, text string, precision, scale int) {
		if precision < 1 || precision > 38 || scale < 0 || scale > precision {
			t.Skip()
		}
		d, reason := parseDecimal([]byte(text), precision, scale)
		want, ok := new(big.Rat).SetString(strings.TrimPrefix(text, "+"))
		if reason == WrongType || !ok {
			if reason == "" {
				t.Fatalf("%q is no number and was read", text)
			}
			return
		}
		unscaled := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)
		exact := want.Mul(want, new(big.Rat).SetInt(unscaled))
		limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(precision)), nil)
		fits := exact.IsInt() && exact.Num().CmpAbs(limit) < 0
		if fits != (reason == "") || (fits && exact.Num().Cmp(d.big()) != 0) {
			t.Fatalf("parseDecimal(%q, %d, %d) = %v %q, want %v", text, precision, scale, d.big(), reason, exact)
		}
	})
}

func FuzzParseInstant(f *testing.F) {
	for _, s := range []string{"2026-10-03T09:12:44.120+08:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999-23:59", "2024-02-29T00:00:00z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parseInstant([]byte(s))
		want, err := time.Parse(time.RFC3339Nano, strings.ToUpper(strings.Replace(s, " ", "T", 1)))
		if !ok {
			return
		}
		if err != nil {
			t.Fatalf("%q is no instant (%v) and was read", s, err)
		}
		if want.UnixMicro() != got {
			t.Fatalf("parseInstant(%q) = %d, want %d", s, got, want.UnixMicro())
		}
	})
}

func TestParseDate(t *testing.T) {
	t.Parallel()
	for day := time.Date(1899, 12, 25, 0, 0, 0, 0, time.UTC); day.Year() < 2105; day = day.AddDate(0, 0, 1) {
		got, ok := parseDate([]byte(day.Format(time.DateOnly)))
		if !ok || got != day.Unix()/86400 {
			t.Fatalf("parseDate(%s) = %d, %v", day.Format(time.DateOnly), got, ok)
		}
	}
	for _, s := range []string{"", "2026-13-01", "2026-00-01", "2026-01-00", "2026-02-30", "2026-1-01", "20260101", "0000-01-01", "2100-02-29"} {
		if _, ok := parseDate([]byte(s)); ok {
			t.Errorf("%q is no day and was read", s)
		}
	}
}

// The scanner accepts what Go's own parser accepts, less half surrogates and
// what is nested too deep; and it reads the same text out of strings.
func FuzzScan(f *testing.F) {
	for _, s := range []string{`{"a":[1,-2.5e+10,true,false,null,"x\n\u00e9\ud83d\ude00"]}`, `[`, `"\ud83d"`, `01`, `{"a":1,}`, `"` + strings.Repeat("x", 40) + `"`, " [ ] "} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !utf8.Valid(text) {
			t.Skip()
		}
		err := prove(text)
		if err != nil && err.reason != InvalidJSON {
			return
		}
		if json.Valid(text) != (err == nil) {
			t.Fatalf("%q: json.Valid says %v, the scanner %+v", text, json.Valid(text), err)
		}
		var want string
		if err == nil && json.Unmarshal(text, &want) == nil {
			p := scanner{s: text}
			if p.peek() != '"' {
				return
			}
			raw, _, _ := p.text()
			if got := string(appendUnescaped(nil, raw)); got != want {
				t.Fatalf("%q reads as %q, want %q", text, got, want)
			}
		}
	})
}
