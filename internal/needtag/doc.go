// Package needtag turns a forgotten build tag into one line that names it.
// Every package that needs DuckDB's Arrow interface imports it.
package needtag
