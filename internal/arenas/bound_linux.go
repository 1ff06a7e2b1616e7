package arenas

/*
#include <features.h>
#ifdef __GLIBC__
#include <malloc.h>
static void bound(int arenas) { mallopt(M_ARENA_MAX, arenas); }
#else
static void bound(int arenas) {}
#endif
*/
import "C"

// most is how many heaps there are: two cores seldom wait for each other.
const most = 2

// Bound bounds the number of heaps. Call it before anything uses C: heaps that
// exist stay. Where the C library is another one than GNU's, it does nothing.
func Bound() { C.bound(most) }
