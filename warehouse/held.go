package warehouse

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/funnelhouse/funnelhouse/warehouse/sqltree"
)

// held is the whole result of a reader's query in a temporary table of one
// connection, read page by page. The driver would hold a result in memory that
// DuckDB's limit doesn't count: one careless query could take all that the
// machine has. A temporary table stays within the limit and goes on in the
// temporary folder; and a slow reader keeps no old state of the warehouse open,
// since the transaction of the query has ended.
type held struct {
	conn  *sql.Conn
	list  string // the columns under the names that the query gives them
	first int64  // row that the next page begins with
	size  int64  // rows of a page
}

// resultTable is what lists of tables show: a query sees it in the catalog.
const resultTable = "result_of_this_query"

// Pages are about so large, whatever the rows are like.
const (
	pageRows  = 1024
	pageLeast = 64
	pageMost  = 64 * 1024
	pageSmall = 1 << 20
	pageLarge = 8 << 20
)

// hold runs one SELECT to its end.
func (w *Warehouse) hold(ctx context.Context, text string) (*held, error) {
	tree, err := w.question(ctx, text)
	if err != nil {
		return nil, err
	}
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	h := &held{conn: conn, size: pageRows}
	if err := h.fill(ctx, text, tree.Shows()); err != nil {
		return nil, errors.Join(err, h.release(ctx))
	}
	return h, nil
}

// question proves that a text is one SELECT that can be answered as it stands.
func (w *Warehouse) question(ctx context.Context, text string) (*sqltree.Tree, error) {
	tree, err := sqltree.Parse(ctx, w.db, text)
	if err != nil {
		return nil, err
	}
	if names := tree.Parameters(); len(names) > 0 {
		return nil, &sqltree.ParseError{Message: "there is no value for $" + names[0] + ": write the value itself"}
	}
	return tree, nil
}

func (h *held) fill(ctx context.Context, text string, shows bool) (err error) {
	// The columns have names of their own, so that no name of the query's can
	// stand for rowid, and two may be the same.
	names, err := columnNames(ctx, h.conn, text)
	if err != nil {
		return err
	}
	columns, list := make([]string, len(names)), make([]string, len(names))
	for i, name := range names {
		columns[i] = "c" + strconv.Itoa(i)
		list[i] = columns[i] + " as " + quoteName(name)
	}
	h.list = strings.Join(list, ", ")
	if shows {
		// DESCRIBE and its like are SELECTs inside of parentheses alone.
		text = "select * from (" + strings.TrimRight(text, "; \t\r\n") + "\n)"
	}
	if _, err := h.conn.ExecContext(ctx, "begin transaction read only"); err != nil {
		return err
	}
	// Temporary tables are the one thing that such a transaction may write.
	_, err = h.conn.ExecContext(ctx, "create temp table "+resultTable+" ("+strings.Join(columns, ", ")+") as\n"+text)
	end := "commit"
	if err != nil {
		end = "rollback"
	}
	_, ending := h.conn.ExecContext(context.WithoutCancel(ctx), end)
	return errors.Join(err, ending)
}

// columnNames binds a query without running it.
func columnNames(ctx context.Context, conn *sql.Conn, text string) (names []string, err error) {
	err = conn.Raw(func(c any) (err error) {
		own, ok := c.(*duckdb.Conn)
		if !ok {
			return fmt.Errorf("a connection of type %T is none of the driver's", c)
		}
		prepared, err := own.PrepareContext(ctx, text)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, prepared.Close()) }()
		statement, ok := prepared.(*duckdb.Stmt)
		if !ok {
			return fmt.Errorf("a statement of type %T is none of the driver's", prepared)
		}
		n, err := statement.ColumnCount()
		if err != nil {
			return err
		}
		for i := range n {
			name, err := statement.ColumnName(i)
			if err != nil {
				return err
			}
			names = append(names, name)
		}
		return nil
	})
	return names, err
}

// pageSQL selects the page that comes next.
func (h *held) pageSQL() string {
	return fmt.Sprintf("select %s from temp.main.%s as r where r.rowid between %d and %d", h.list, resultTable, h.first, h.first+h.size-1)
}

// turn goes on to the next page after one of so many rows and bytes, and tells
// whether there may be one.
func (h *held) turn(rows, bytes int64) bool {
	if rows < h.size {
		return false
	}
	h.first += h.size
	switch {
	case bytes < pageSmall:
		h.size = min(h.size*4, pageMost)
	case bytes > pageLarge:
		h.size = max(h.size/4, pageLeast)
	}
	return true
}

// release drops the table and gives the connection back. A connection that
// can't drop it is closed, and the table with it.
func (h *held) release(ctx context.Context) error {
	_, err := h.conn.ExecContext(context.WithoutCancel(ctx), "drop table if exists temp.main."+resultTable)
	if err != nil {
		_ = h.conn.Raw(func(any) error { return driver.ErrBadConn }) // it says so itself
		err = fmt.Errorf("drop the result of a query: %w", err)
	}
	return errors.Join(err, h.conn.Close())
}
