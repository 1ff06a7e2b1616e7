package publish

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/apache/arrow-go/v18/parquet/schema"
	"github.com/duckdb/duckdb-go/v2"
)

// arrowRows reads a Parquet file with arrow-go, cells as text with | between.
func arrowRows(path string) (rows []string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	reader, err := file.NewParquetReader(f)
	if err != nil {
		return nil, err
	}
	defer func() { _ = reader.Close() }()
	columns, err := pqarrow.NewFileReader(reader, pqarrow.ArrowReadProperties{BatchSize: 1024}, memory.DefaultAllocator)
	if err != nil {
		return nil, err
	}
	batches, err := columns.GetRecordReader(arrowContext, nil, nil)
	if err != nil {
		return nil, err
	}
	defer batches.Release()
	for batches.Next() {
		batch := batches.RecordBatch()
		for i := range int(batch.NumRows()) {
			var cells []string
			for _, column := range batch.Columns() {
				cells = append(cells, cell(arrowValue(column, i)))
			}
			rows = append(rows, strings.Join(cells, "|"))
		}
	}
	return rows, nil
}

func arrowValue(column arrow.Array, i int) any {
	if column.IsNull(i) {
		return nil
	}
	switch c := column.(type) {
	case *array.Timestamp:
		return c.Value(i).ToTime(c.DataType().(*arrow.TimestampType).Unit)
	case *array.Date32:
		return c.Value(i).ToTime()
	case *array.Decimal128:
		return c.Value(i).ToString(c.DataType().(*arrow.Decimal128Type).Scale)
	case *array.Float64:
		return c.Value(i)
	case *array.Int32:
		return c.Value(i)
	case *array.Int64:
		return c.Value(i)
	case *array.Boolean:
		return c.Value(i)
	case *array.String:
		return c.Value(i)
	default:
		return fmt.Sprintf("a column of type %s", c.DataType())
	}
}

// cell shows a value, whichever reader it comes from.
func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return "∅"
	case time.Time:
		return v.UTC().Format("2006-01-02T15:04:05.999999")
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case duckdb.Decimal:
		return decimalText(v)
	default:
		return fmt.Sprint(v)
	}
}

func decimalText(d duckdb.Decimal) string {
	text, minus := strings.CutPrefix(d.Value.String(), "-")
	text = strings.Repeat("0", max(0, int(d.Scale)+1-len(text))) + text
	if d.Scale > 0 {
		text = text[:len(text)-int(d.Scale)] + "." + text[len(text)-int(d.Scale):]
	}
	if minus {
		return "-" + text
	}
	return text
}

// holdsTheRules checks a file's footer against what every BI tool reads, and
// returns the physical and logical type of each column.
func holdsTheRules(t testing.TB, path string, f *File) (types map[string]string) {
	t.Helper()
	reader, err := file.OpenParquetFile(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	footer := reader.MetaData()
	if footer.NumRows != f.Rows {
		t.Errorf("%s holds %d rows, the manifest says %d", f.Path, footer.NumRows, f.Rows)
	}
	if d := footer.KeyValueMetadata().FindValue("description"); d == nil || *d != f.Description {
		t.Errorf("%s: the description is %v, want %q", f.Path, d, f.Description)
	}
	types = map[string]string{}
	for i := range footer.Schema.NumColumns() {
		c := footer.Schema.Column(i)
		logical := c.LogicalType()
		types[c.Name()] = c.PhysicalType().String() + " " + logical.String()
		if c.Path() != c.Name() || c.MaxRepetitionLevel() > 0 {
			t.Errorf("%s: %s is nested", f.Path, c.Path())
		}
		switch c.PhysicalType() {
		case parquet.Types.Int96:
			t.Errorf("%s: %s is INT96", f.Path, c.Name())
		case parquet.Types.ByteArray:
			if _, ok := logical.(schema.StringLogicalType); !ok {
				t.Errorf("%s: the text %s is %s", f.Path, c.Name(), logical)
			}
		default:
		}
		switch logical := logical.(type) {
		case schema.DecimalLogicalType:
			if logical.Precision() > 18 {
				t.Errorf("%s: %s has %d digits", f.Path, c.Name(), logical.Precision())
			}
		case schema.TimestampLogicalType:
			if logical.TimeUnit() != schema.TimeUnitMicros || c.PhysicalType() != parquet.Types.Int64 {
				t.Errorf("%s: %s is %s", f.Path, c.Name(), logical)
			}
			if f.Columns[i].Type != "TIMESTAMP WITH TIME ZONE" || !logical.IsAdjustedToUTC() {
				t.Errorf("%s: %s is not in UTC", f.Path, c.Name())
			}
		case schema.IntLogicalType:
			if !logical.IsSigned() || logical.BitWidth() < 32 {
				t.Errorf("%s: %s is %s", f.Path, c.Name(), logical)
			}
		default:
		}
	}
	for i := range reader.NumRowGroups() {
		group := footer.RowGroup(i)
		if n := group.NumRows(); n > 122_880 {
			t.Errorf("%s: a row group of %d rows", f.Path, n)
		}
		for j := range group.NumColumns() {
			chunk, err := group.ColumnChunk(j)
			if err != nil {
				t.Fatal(err)
			}
			if chunk.Compression() != compress.Codecs.Snappy {
				t.Errorf("%s: compressed by %s", f.Path, chunk.Compression())
			}
			pages, err := reader.RowGroup(i).GetColumnPageReader(j)
			if err != nil {
				t.Fatal(err)
			}
			for pages.Next() {
				if page := pages.Page(); page.Type() != 0 && page.Type() != 2 { // DATA_PAGE, DICTIONARY_PAGE
					t.Errorf("%s: a page of type %v", f.Path, page.Type())
				}
			}
		}
	}
	return types
}
