package serving

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/funnelhouse/funnelhouse/warehouse"
)

// query answers POST /v1/query.
func (s *Server) query(w http.ResponseWriter, r *http.Request) error {
	if err := parameters(r.URL.Query(), "format"); err != nil {
		return err
	}
	f, err := formatOf(r)
	if err != nil {
		return err
	}
	text, err := s.question(w, r)
	if err != nil {
		return err
	}
	ctx, done, err := s.turn(w, r)
	if err != nil {
		return err
	}
	defer done()
	if f.name == "arrow" {
		err = s.queryArrow(ctx, w, f, text)
	} else {
		err = s.queryRows(ctx, w, f, text)
	}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded) && r.Context().Err() == nil:
		return s.tooLong()
	case warehouse.Mistaken(err):
		return refuse(http.StatusBadRequest, "sql", "%s", message(err))
	}
	return err
}

// message is what a person is told of a mistake: DuckDB's own, without the
// statement below it that it points into.
func message(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// question reads the SQL of a request: the body itself, or "sql" in a JSON
// object.
func (s *Server) question(w http.ResponseWriter, r *http.Request) (string, error) {
	control := http.NewResponseController(w)
	if err := control.SetReadDeadline(time.Now().Add(s.cfg.BodyWithin)); err != nil {
		return "", fmt.Errorf("bound the time of a body: %w", err)
	}
	kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && kind != "text/plain" {
		return "", refuse(http.StatusUnsupportedMediaType, "Content-Type",
			`send {"sql": "select …"} as application/json, or the SQL itself as text/plain`)
	}
	if charset := parameters["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return "", refuse(http.StatusUnsupportedMediaType, "Content-Type", "send UTF-8")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return "", refuse(http.StatusRequestEntityTooLarge, "", "the body is larger than %d bytes", bodyLimit)
	}
	if err != nil {
		return "", refuse(http.StatusBadRequest, "", "the body did not come to its end")
	}
	// From here on the server reads to see whether the client is still there, and
	// a deadline would end the answer. Where the body has not come to its end it
	// stays, or the server would wait for the rest.
	if err := control.SetReadDeadline(time.Time{}); err != nil {
		return "", fmt.Errorf("unbound the time of a body: %w", err)
	}
	text := string(body)
	if kind == "application/json" {
		if text, err = sqlOf(body); err != nil {
			return "", err
		}
	}
	if strings.TrimSpace(text) == "" {
		return "", refuse(http.StatusBadRequest, "sql", "there is no question: write one SELECT")
	}
	return text, nil
}

func sqlOf(body []byte) (string, error) {
	var question struct {
		SQL *string `json:"sql"`
	}
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.DisallowUnknownFields()
	if err := d.Decode(&question); err != nil || question.SQL == nil {
		return "", refuse(http.StatusBadRequest, "sql", `the body is not of the form {"sql": "select …"}`)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return "", refuse(http.StatusBadRequest, "sql", "the body holds more than one JSON object")
	}
	return *question.SQL, nil
}

// queryRows writes the result while it is read.
func (s *Server) queryRows(ctx context.Context, w http.ResponseWriter, f format, text string) (err error) {
	result, err := s.wh.Query(ctx, text)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, result.Close()) }()
	// The first row comes before the head: what fails until then still has a
	// status.
	row, err := result.Next()
	if err != nil {
		return err
	}
	f.head(w)
	out := bufio.NewWriterSize(w, 64<<10)
	var to rowWriter = &jsonRows{out: out}
	if f.name == "csv" {
		to = csvRows{out}
	}
	if err := to.head(result.Columns); err != nil {
		return err
	}
	for ; row != nil; row, err = result.Next() {
		if err := to.row(row); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	if err := to.end(); err != nil {
		return err
	}
	return out.Flush()
}

// rowWriter writes the rows of a query in one format.
type rowWriter interface {
	head(columns []warehouse.Column) error
	row(cells []any) error
	end() error
}

// jsonRows writes {"columns": [{"name", "type"}], "rows": [[…]]}.
type jsonRows struct {
	out  *bufio.Writer
	rows int
}

func (j *jsonRows) head(columns []warehouse.Column) error {
	type column struct {
		Name string `json:"name"`
		Type string `json:"type"`
	}
	list := make([]column, len(columns))
	for i, c := range columns {
		list[i] = column(c)
	}
	return j.write(`{"columns": `, list, `, "rows": [`)
}

func (j *jsonRows) row(cells []any) error {
	lead := ",\n"
	if j.rows == 0 {
		lead = "\n"
	}
	j.rows++
	return j.write(lead, cells, "")
}

func (j *jsonRows) write(before string, v any, after string) error {
	text, err := marshal(v)
	if err != nil {
		return err
	}
	_, err = j.out.WriteString(before + string(text) + after)
	return err
}

func (j *jsonRows) end() error {
	_, err := j.out.WriteString("\n]}\n")
	return err
}

// csvRows writes a head line and the rows.
type csvRows struct{ out *bufio.Writer }

func (c csvRows) head(columns []warehouse.Column) error {
	cells := make([]any, len(columns))
	for i, column := range columns {
		cells[i] = column.Name
	}
	return c.row(cells)
}

func (c csvRows) row(cells []any) error { return writeCSV(c.out, cells) }

func (c csvRows) end() error { return nil }

// writeCSV writes one line by RFC 4180. Null is nothing and an empty text two
// quotes, so that they are told apart; a line that would be blank, which many
// readers skip, has the quotes too.
func writeCSV(out *bufio.Writer, cells []any) error {
	for i, cell := range cells {
		text, err := cellText(cell)
		if err != nil {
			return err
		}
		if i > 0 {
			text = "," + text
		}
		if i == 0 && len(cells) == 1 && text == "" {
			text = `""`
		}
		if _, err := out.WriteString(text); err != nil {
			return err
		}
	}
	return out.WriteByte('\n')
}

func cellText(cell any) (string, error) {
	text, isText := cell.(string)
	if cell == nil {
		return "", nil
	}
	if !isText {
		b, err := marshal(cell)
		if err != nil {
			return "", err
		}
		text = string(b)
	}
	if isText && text == "" || strings.ContainsAny(text, ",\"\r\n") || strings.TrimSpace(text) != text {
		text = `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
	}
	return text, nil
}

// queryArrow writes the result as an Arrow IPC stream.
func (s *Server) queryArrow(ctx context.Context, w http.ResponseWriter, f format, text string) (err error) {
	result, err := s.wh.QueryArrow(ctx, text)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, result.Close()) }()
	batch, err := result.Next()
	if err != nil {
		return err
	}
	f.head(w)
	out := bufio.NewWriterSize(w, 64<<10)
	stream := ipc.NewWriter(out, ipc.WithSchema(result.Schema))
	for ; batch != nil; batch, err = result.Next() {
		if err := stream.Write(batch); err != nil {
			return errors.Join(err, stream.Close())
		}
	}
	if err != nil {
		return err // without the end of the stream
	}
	if err := stream.Close(); err != nil {
		return err
	}
	return out.Flush()
}
