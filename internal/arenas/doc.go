// Package arenas keeps the C library's allocator from giving every thread a
// heap of its own. DuckDB and the record batches that it reads allocate from
// many threads by turns: what one of them frees stays in its own heap, where no
// other finds it, and the memory of the process grows with the time it runs.
package arenas
