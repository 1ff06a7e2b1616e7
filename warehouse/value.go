package warehouse

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/duckdb/duckdb-go/v2"
)

// readable turns a value of the driver into one that every format can write.
// Instants become RFC 3339 in UTC, days YYYY-MM-DD, bytes text where they are
// text and \x… where not.
func readable(v any, kind string) any {
	switch v := v.(type) {
	case nil, bool, string:
		return v
	case time.Time:
		return clock(v, kind)
	case float32:
		return float(float64(v), 32)
	case float64:
		return float(v, 64)
	case int8, int16, int32, int64, int, uint8, uint16, uint32, uint64, uint:
		return json.Number(fmt.Sprint(v))
	case *big.Int:
		return json.Number(v.String())
	case duckdb.Decimal:
		return json.Number(decimalText(v))
	case []byte:
		if utf8.Valid(v) {
			return string(v)
		}
		return `\x` + hex.EncodeToString(v)
	case duckdb.UUID:
		return v.String()
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = readable(v[i], strings.TrimSuffix(kind, "[]"))
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k := range v {
			out[k] = readable(v[k], "")
		}
		return out
	case duckdb.Map:
		out := make(map[string]any, len(v))
		for k := range v {
			out[fmt.Sprint(readable(k, ""))] = readable(v[k], "")
		}
		return out
	case duckdb.Interval:
		return interval(v)
	default:
		return fmt.Sprint(v)
	}
}

// decimalText writes all the digits of the decimal's scale: an amount of 1.50
// stays 1.50.
func decimalText(v duckdb.Decimal) string {
	digits := new(big.Int).Abs(v.Value).String()
	if missing := int(v.Scale) + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	if v.Scale > 0 {
		point := len(digits) - int(v.Scale)
		digits = digits[:point] + "." + digits[point:]
	}
	if v.Value.Sign() < 0 {
		return "-" + digits
	}
	return digits
}

// float writes what JSON can't hold as text.
func float(x float64, bits int) any {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return strconv.FormatFloat(x, 'g', -1, bits)
	}
	return json.Number(strconv.FormatFloat(x, 'g', -1, bits))
}

func clock(t time.Time, kind string) string {
	switch kind {
	case "DATE":
		return t.Format(time.DateOnly)
	case "TIME":
		return t.Format("15:04:05.999999")
	case "TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE":
		return t.UTC().Format("2006-01-02T15:04:05.999999Z07:00")
	default:
		return t.Format("2006-01-02T15:04:05.999999999")
	}
}

func interval(v duckdb.Interval) string {
	return fmt.Sprintf("%d months %d days %s", v.Months, v.Days, time.Duration(v.Micros)*time.Microsecond)
}
