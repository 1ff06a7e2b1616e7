package metric

import "testing"

func TestIdentQuotesKeywords(t *testing.T) {
	t.Parallel()
	db := openDB(t)
	rows, err := db.QueryContext(t.Context(), "select keyword_name from duckdb_keywords() where keyword_category <> 'unreserved'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	count := 0
	for rows.Next() {
		var word string
		if err := rows.Scan(&word); err != nil {
			t.Fatal(err)
		}
		if got := ident(word); got != `"`+word+`"` {
			t.Errorf("%s is written %s", word, got)
		}
		count++
	}
	if err := rows.Err(); err != nil || count < 100 {
		t.Errorf("%d keywords, %v", count, err)
	}
	for name, want := range map[string]string{
		"channel": "channel", "new": "new", "a_1": "a_1", "Channel": `"Channel"`, "1a": `"1a"`, "a b": `"a b"`, `a"b`: `"a""b"`, "渠道": `"渠道"`,
	} {
		if got := ident(name); got != want {
			t.Errorf("%s is written %s, want %s", name, got, want)
		}
	}
	if got := tableName("marts.order"); got != `marts."order"` {
		t.Errorf("got %s", got)
	}
}
