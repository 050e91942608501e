/* Meetings and pieces. The build without shared memory has one thread and none of this.
 *
 * A meeting is a counter and a phase: the last to come resets the counters, moves the phase on and wakes who sleeps. The others look at
 * the phase for a few microseconds, then sleep: threads that only looked would collapse where there are fewer cores than threads.
 * A thread that dies by a trap says so (net_fail). One that vanishes is missed: while it lives it takes pieces and comes to meetings; when
 * nothing of that happens for PATIENCE sleeps, the run has failed. Counting sleeps instead of reading a clock outlasts a suspended computer. */
#include "team.h"
#include "memory.h"

#ifdef __wasm_atomics__
enum { LOOKS = 4000, STACK_BYTES = 65536 };
static const int64_t SLEEP_NS = 250000000;
#define EXPORT(name) __attribute__((export_name(name)))

static struct {
    uint32_t size, arrived, phase, next, asleep, failed, moves, patience;
    unsigned char *stacks[TEAM_LIMIT];
} team = {.size = 1, .patience = 80};

static uint32_t read(const uint32_t *word) { return __atomic_load_n(word, __ATOMIC_SEQ_CST); }

uint32_t team_size(void) { return team.size; }
int team_failed(void) { return read(&team.failed) != 0; }

static void wake(void) {
    if (read(&team.asleep) != 0) __builtin_wasm_memory_atomic_notify((int *)&team.phase, TEAM_LIMIT);
}

/* Ends the run for all: called by the host of a thread that trapped. */
EXPORT("net_fail") void net_fail(void) {
    __atomic_store_n(&team.failed, 1, __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&team.phase, 1, __ATOMIC_SEQ_CST);
    wake();
}

static void sleep_at(uint32_t phase, int64_t limit_ns) {
    __atomic_fetch_add(&team.asleep, 1, __ATOMIC_SEQ_CST); /* before the phase is compared: who moves it sees the sleeper */
    __builtin_wasm_memory_atomic_wait32((int *)&team.phase, (int)phase, limit_ns);
    __atomic_fetch_sub(&team.asleep, 1, __ATOMIC_SEQ_CST);
}

static void wait_for_others(uint32_t phase, int forever) {
    for (uint32_t i = 0; i < LOOKS; i++)
        if (read(&team.phase) != phase || team_failed()) return;
    for (uint32_t naps = 0, moves = read(&team.moves); read(&team.phase) == phase && !team_failed();) {
        sleep_at(phase, forever ? -1 : SLEEP_NS);
        if (read(&team.moves) != moves) naps = 0;
        else if (!forever && ++naps > team.patience) net_fail();
        moves = read(&team.moves);
    }
}

static void gather(share *mine, int forever) {
    mine->next = 0;
    if (mine->count == 1 || team_failed()) return;
    uint32_t phase = read(&team.phase);
    __atomic_fetch_add(&team.moves, 1, __ATOMIC_RELAXED);
    if (__atomic_add_fetch(&team.arrived, 1, __ATOMIC_SEQ_CST) < mine->count) {
        wait_for_others(phase, forever);
        return;
    }
    __atomic_store_n(&team.next, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&team.arrived, 0, __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&team.phase, 1, __ATOMIC_SEQ_CST);
    wake();
}

void meet(share *mine) { gather(mine, 0); }

int await_run(share *mine) {
    gather(mine, mine->index != 0);
    return !team_failed();
}

uint32_t take_piece(share *mine) {
    if (mine->count == 1) return mine->next++;
    if (team_failed()) return UINT32_MAX;
    __atomic_fetch_add(&team.moves, 1, __ATOMIC_RELAXED);
    return __atomic_fetch_add(&team.next, 1, __ATOMIC_SEQ_CST);
}

/* How many threads will run plans, this one included; before net_load. `patience` × 250 ms without any progress end a run. */
EXPORT("net_threads") int32_t net_threads(uint32_t count, uint32_t patience) {
    if (team.size != 1 || count == 0 || count > TEAM_LIMIT || patience == 0) return NET_ARGUMENT;
    for (uint32_t i = 1; i < count; i++)
        if ((team.stacks[i] = take(STACK_BYTES)) == NULL) return NET_MEMORY;
    keep();
    team.patience = patience;
    team.size = count;
    return NET_OK;
}

/* Where the stack of thread 1 … count − 1 begins: its host sets __stack_pointer to it before it calls net_help. */
EXPORT("net_stack") unsigned char *net_stack(uint32_t index) {
    return index > 0 && index < team.size ? team.stacks[index] + STACK_BYTES : NULL;
}
#else
uint32_t team_size(void) { return 1; }
int team_failed(void) { return 0; }
uint32_t take_piece(share *mine) { return mine->next++; }
void meet(share *mine) { mine->next = 0; }
int await_run(share *mine) {
    mine->next = 0;
    return 1;
}
#endif
