//go:build !duckdb_arrow

package needtag

// The undefined name is the message: the compiler prints it and stops here,
// before the packages that would fail in many lines.
var _ = funnelhouse_needs_the_build_tag_duckdb_arrow__run_make_build_or_add_dash_tags_duckdb_arrow
