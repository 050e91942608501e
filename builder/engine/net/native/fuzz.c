/* Mutates a sound plan, repairs its sums, loads and runs it; the sanitizers judge. scripts/fuzz_plans.py builds and starts it:
 *
 *   cc -O1 -g -std=c11 -fsanitize=address,undefined -fno-sanitize-recover=all -Wno-unknown-pragmas -o fuzz native/fuzz.c native/memory.c \
 *      $(ls *.c | grep -v memory.c) -lm && ./fuzz PLAN 100000 1
 *
 * It prints how many plans ended with each status, 0 being those that were loaded and run. */
#include "../plan.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *reserve(uint32_t size_bytes);
void reset(void);
int32_t net_load(const unsigned char *bytes, uint32_t size_bytes);
int32_t net_run(uint32_t first, uint32_t end);

enum { STATUSES = 32, CUT_ONE_IN = 64 }; /* room for statuses to come */

static uint64_t state;

static uint32_t draw(uint32_t limit) { /* xorshift64* */
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)((state * 2685821657736338717u) >> 32) % limit;
}

static uint32_t draw_word(uint32_t present) {
    switch (draw(5)) {
    case 0: return draw(40);
    case 1: return 1u << draw(32);
    case 2: return present + draw(9) - 4;
    case 3: return ~draw(70);
    default: return draw(UINT32_MAX);
    }
}

static void repair(uint32_t *words) {
    plan_header *header = (plan_header *)words;
    uint32_t sum = 0, weighted = 0;
    for (uint32_t i = 5; i < header->file_bytes / 4; i++) {
        sum += words[i];
        weighted += i * words[i];
    }
    header->sum = sum;
    header->weighted_sum = weighted;
}

int main(int count, char **arguments) {
    if (count != 4) return 2;
    FILE *file = fopen(arguments[1], "rb");
    static uint32_t original[1 << 20], changed[1 << 20];
    if (file == NULL) return 2;
    uint32_t size = (uint32_t)fread(original, 1, sizeof original, file), ended[STATUSES] = {0};
    const plan_header *header = (const plan_header *)original;
    uint32_t words = (sizeof *header + header->tensor_count * sizeof(plan_tensor) + header->operator_count * sizeof(plan_operator)) / 4;
    state = strtoull(arguments[3], NULL, 10) * 2 + 1;
    for (long i = strtol(arguments[2], NULL, 10); i > 0; i--) {
        memcpy(changed, original, size);
        for (uint32_t n = draw(4); n <= 3; n++) {
            uint32_t place = draw(8) == 0 ? draw(32) : 32 + draw(words - 32);
            if (place != 2) changed[place] = draw_word(changed[place]);
        }
        repair(changed);
        reset();
        uint32_t kept = draw(CUT_ONE_IN) == 0 ? draw(size) : size;
        void *plan = reserve(kept);
        memcpy(plan, changed, kept);
        int32_t status = net_load(plan, kept);
        if (status < 0 || status >= STATUSES) return 1; /* no declared refusal */
        ended[status]++;
        if (status == NET_OK && net_run(0, UINT32_MAX) != NET_OK) return 1;
    }
    for (uint32_t i = 0; i < STATUSES; i++) printf("%u%c", ended[i], i + 1 < STATUSES ? ' ' : '\n');
    return 0;
}
