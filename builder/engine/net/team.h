/* Threads that run one plan together. Every thread is an instance of this module over the same memory and walks the same operators;
 * they meet behind each of them. How a kernel is shared out:
 *
 *   void run_name(const step *s, unsigned char *scratch, share *mine) {
 *       uint32_t first, end;
 *       while (take_rows(mine, rows, floats_per_row, &first, &end))   the next piece that nobody has taken
 *           … outputs first … end − 1 …
 *   }
 *
 * Rule: a piece is a range of outputs, never of a sum. An output is computed by one thread, by the same operations in the same order
 * whatever the piece that it is in: equal bits for any number of threads and any order of taking. `scratch` belongs to the thread
 * alone. What all threads need (prepared filters) lies in mine->common (see COMMON in load.c); meet() separates writing from reading
 * it, and begins to count pieces anew. All threads must come to the same meetings, so nothing that differs between threads may decide
 * about one. A kernel that is not shared out keeps the signature without `share`, stands in KERNELS of run.c, and runs on thread 0. */
#ifndef NET_TEAM_H
#define NET_TEAM_H
#include "plan.h"

enum { TEAM_LIMIT = 16, PIECES_PER_THREAD = 4, PIECE_MIN_FLOATS = 2048 };

typedef struct {
    uint32_t index, count;  /* this thread, and how many run the kernel */
    uint32_t next;          /* pieces taken, where count is 1 */
    unsigned char *common;  /* scratch of all threads */
    unsigned char *leading; /* the scratch of thread 0 */
} share;

/* Threads that will run plans: 1 unless net_threads said otherwise. */
uint32_t team_size(void);
/* Number of the next piece: 0, 1, 2, … in turn over all threads. */
uint32_t take_piece(share *mine);
/* Waits until all have come; pieces begin at 0 again. After a thread has died it returns at once, and so does every other. */
void meet(share *mine);
/* Waits for the next run; true when there is one. */
int await_run(share *mine);
/* True after a thread has died: what stands in memory is worth nothing. */
int team_failed(void);

/* Pieces of about 1/PIECES_PER_THREAD of a thread's part, in multiples of `unit`; a lone thread takes all at once. */
static inline uint32_t piece_size(const share *mine, uint32_t total, uint32_t unit, uint32_t least) {
    if (mine->count == 1) return total;
    uint32_t size = max_u32(divide_up(total, mine->count * PIECES_PER_THREAD), least);
    return divide_up(size, unit) * unit;
}

static inline int take_range(share *mine, uint32_t total, uint32_t size, uint32_t *first, uint32_t *end) {
    uint64_t start = (uint64_t)take_piece(mine) * size;
    if (start >= total) return 0;
    *first = (uint32_t)start;
    *end = min_u32(total - *first, size) + *first;
    return 1;
}

/* The next rows of a kernel whose rows cost about `row_floats` each. */
static inline int take_rows(share *mine, uint32_t rows, uint32_t row_floats, uint32_t *first, uint32_t *end) {
    return take_range(mine, rows, piece_size(mine, rows, 1, divide_up(PIECE_MIN_FLOATS, max_u32(row_floats, 1))), first, end);
}
#endif
