#include "network.h"
enum net_status check_winograd(const step *s, uint64_t *scratch_bytes) { (void)s; (void)scratch_bytes; return NET_OPERATOR; }
void run_winograd(const step *s, unsigned char *scratch) { (void)s; (void)scratch; }
