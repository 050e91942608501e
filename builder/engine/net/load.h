/* A plan in memory, checked and resolved. */
#ifndef NET_LOAD_H
#define NET_LOAD_H
#include "network.h"

typedef struct {
    const plan_header *header;
    const plan_operator *operators;
    float *spaces[3];
    uint64_t space_bytes[3], scratch_bytes, common_bytes, need_bytes; /* scratch of a thread, of all threads */
    tensor *tensors;
    step *steps;
    unsigned char *scratch; /* the common part, then one part a thread */
} loaded_plan;

/* `bytes` must be 64-byte aligned and stay as they are while the plan is in use. */
enum net_status load_plan(loaded_plan *plan, const unsigned char *bytes, uint32_t size_bytes);
#endif
