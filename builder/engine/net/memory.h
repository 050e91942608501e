/* The heap: bump allocation, never freed singly. */
#ifndef NET_MEMORY_H
#define NET_MEMORY_H
#include "types.h"

/* 64-byte aligned, or null when memory cannot grow. */
void *take(uint64_t size_bytes);
/* What is taken by now outlasts reset(). */
void keep(void);
/* True when the bytes lie inside what was taken. */
int is_taken(const void *start, uint64_t size_bytes);
#endif
