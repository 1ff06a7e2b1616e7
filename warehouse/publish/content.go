package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/funnelhouse/funnelhouse/warehouse/sqltree"
)

// plan lists the files of a build with what tells their content, and begins
// its manifest. Nothing is written yet.
func (p *Publisher) plan(ctx context.Context, s *snapshot, c Content) (files []*source, m *Manifest, err error) {
	m = &Manifest{
		BuiltAt: p.cfg.Now().UTC(), AsOf: c.AsOf.Format(time.DateOnly), Zone: p.cfg.Zone, Version: p.cfg.Version, Project: c.Project,
	}
	stale, err := s.models(ctx, &m.UpToBatch)
	if err != nil {
		return nil, nil, fmt.Errorf("read how the models stand: %w", err)
	}
	if m.Offsets, err = s.offsets(ctx, m.UpToBatch); err != nil {
		return nil, nil, fmt.Errorf("read the offsets: %w", err)
	}
	models := slices.SortedFunc(slices.Values(c.Models), func(a, b Model) int { return strings.Compare(a.Name, b.Name) })
	for i := range models {
		name := models[i].Schema + "." + models[i].Name
		f, err := mart(ctx, s, &models[i])
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
		if f == nil {
			m.leaveOut(name, "it is not built yet")
			continue
		}
		f.Stale = stale[name]
		files = append(files, f)
	}
	if len(files) == 0 && len(models) > 0 {
		return nil, nil, ErrNotBuilt
	}
	values, err := values(ctx, s, c, m)
	if err != nil {
		return nil, nil, err
	}
	first, last, err := s.days(ctx, files, c.AsOf)
	if err != nil {
		return nil, nil, err
	}
	if !values.first.IsZero() && values.first.Before(first) {
		first = values.first
	}
	if values.last.After(last) {
		last = values.last
	}
	return append(files, values.source(), catalogue(c), calendar(c.Company, first, last)), m, nil
}

// mart is the file of a model; nil where the model has no table yet.
func mart(ctx context.Context, s *snapshot, m *Model) (*source, error) {
	columns, err := s.columns(ctx, m.Schema, m.Name)
	if err != nil || len(columns) == 0 {
		return nil, err
	}
	f := &source{
		File: File{Path: "marts/" + m.Name + ".parquet", Kind: "mart", Table: "marts." + m.Name, Description: m.Description},
		// The database is called marts after its file, so marts.leads is this table;
		// a schema of that name would make it ambiguous.
		schema: "main", name: m.Name,
	}
	table := sqltree.Table{Schema: m.Schema, Name: m.Name}
	f.from = table.SQL()
	var list, wide, beyond []string
	for _, c := range columns {
		expr, typ := readable(sqltree.Quote(c.Name), c.Type)
		if narrowed(c.Type) {
			wide = append(wide, c.Name)
			beyond = append(beyond, "coalesce(bool_or("+sqltree.Quote(c.Name)+" is distinct from "+strings.Replace(expr, "cast(", "try_cast(", 1)+"), false)")
		}
		list = append(list, expr+" as "+sqltree.Quote(c.Name))
		f.Columns = append(f.Columns, Column{Name: c.Name, Type: typ, Description: m.Columns[c.Name]})
	}
	if err := s.fits(ctx, table, wide, beyond); err != nil {
		return nil, err
	}
	rows := "select " + strings.Join(list, ", ") + " from " + table.SQL()
	// The same rows in another order are the same file: readers of Parquet rely
	// on none.
	var sum, xor string
	err = s.QueryRowContext(ctx, "select count(*), cast(coalesce(sum(hash(r)), 0) as varchar), cast(coalesce(bit_xor(hash(r)), 0) as varchar) from ("+rows+") as r").
		Scan(&f.Rows, &sum, &xor)
	if err != nil {
		return nil, err
	}
	f.Content = fingerprint(f.Description, f.Columns, sum, xor, f.Rows)
	f.query = rows + ordered(m, columns)
	return f, nil
}

// fits refuses a table with numbers that the narrower type can't hold as they
// are. Rounding one in silence would make two truths of it.
func (s *snapshot) fits(ctx context.Context, table sqltree.Table, wide, beyond []string) error {
	if len(wide) == 0 {
		return nil
	}
	found, to := make([]bool, len(wide)), make([]any, len(wide))
	for i := range found {
		to[i] = &found[i]
	}
	if err := s.QueryRowContext(ctx, "select "+strings.Join(beyond, ", ")+" from "+table.SQL()).Scan(to...); err != nil {
		return err
	}
	var columns []string
	for i, name := range wide {
		if found[i] {
			columns = append(columns, name)
		}
	}
	if len(columns) == 0 {
		return nil
	}
	return fmt.Errorf("a number of %s has more digits than the 18 that BI tools read, or more than 9 after the point; cast or round it in the model, like cast(… as decimal(18, 2))",
		strings.Join(columns, ", "))
}

// ordered sorts a mart's rows by its first day or instant and then by its
// grain: who reads a span of time finds it in few row groups.
func ordered(m *Model, columns []Column) string {
	var by []string
	first := slices.IndexFunc(columns, func(c Column) bool { return c.Type == "DATE" || strings.HasPrefix(c.Type, "TIMESTAMP") })
	if first >= 0 {
		by = append(by, columns[first].Name)
	}
	for _, name := range m.Grain {
		if !slices.Contains(by, name) && slices.ContainsFunc(columns, func(c Column) bool { return c.Name == name }) {
			by = append(by, name)
		}
	}
	if len(by) == 0 {
		return ""
	}
	for i, name := range by {
		by[i] = sqltree.Quote(name) + " nulls last"
	}
	return " order by " + strings.Join(by, ", ")
}

// fingerprint tells one content from another.
func fingerprint(parts ...any) string {
	h := sha256.New()
	// Nothing in it fails to marshal: numbers that JSON lacks are null already.
	_ = json.NewEncoder(h).Encode(parts)
	return hex.EncodeToString(h.Sum(nil))[:32]
}

var decimalType = regexp.MustCompile(`^DECIMAL\((\d+),(\d+)\)$`)

// narrowed tells whether readable makes a number narrower.
func narrowed(typ string) bool {
	if d := decimalType.FindStringSubmatch(typ); d != nil {
		width, err := strconv.Atoi(d[1])
		return err != nil || width > 18
	}
	return typ == "HUGEINT" || typ == "UHUGEINT" || typ == "UBIGINT"
}

// readable casts a column to a type that Power BI, Excel, pandas, Spark and
// Trino all read, and names it.
func readable(column, typ string) (expr, as string) {
	cast := func(to string) (string, string) { return "cast(" + column + " as " + to + ")", to }
	if d := decimalType.FindStringSubmatch(typ); d != nil {
		if !narrowed(typ) {
			return column, typ
		}
		scale, err := strconv.Atoi(d[2])
		if err != nil || scale > 9 {
			scale = 9
		}
		return cast(fmt.Sprintf("DECIMAL(18,%d)", scale))
	}
	switch typ {
	case "BOOLEAN", "INTEGER", "BIGINT", "DOUBLE", "VARCHAR", "DATE", "TIMESTAMP WITH TIME ZONE":
		return column, typ
	case "TINYINT", "SMALLINT", "UTINYINT", "USMALLINT":
		return cast("INTEGER")
	case "UINTEGER", "UBIGINT", "HUGEINT", "UHUGEINT":
		return cast("BIGINT")
	case "FLOAT":
		return cast("DOUBLE")
	case "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS":
		// Every instant is in UTC here, also one whose type doesn't say so.
		return cast("TIMESTAMP WITH TIME ZONE")
	case "UUID", "INTERVAL", "TIME", "TIME WITH TIME ZONE", "BIT":
		return cast("VARCHAR")
	case "BLOB":
		return "base64(" + column + ")", "VARCHAR"
	}
	if strings.HasPrefix(typ, "ENUM") || typ == "JSON" {
		return cast("VARCHAR")
	}
	// Lists, structs, maps, unions: text that holds JSON.
	return "cast(to_json(" + column + ") as varchar)", "VARCHAR"
}
