/* A log-linear histogram of latencies: 64 buckets for each power of two, exact to 1.6 %. */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_SUB_BITS 6u
#define HISTOGRAM_SUB_BUCKETS (1u << HISTOGRAM_SUB_BITS)
#define HISTOGRAM_BUCKETS ((64u - HISTOGRAM_SUB_BITS + 1u) * HISTOGRAM_SUB_BUCKETS)

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t count;
    uint64_t max_ns;
};

void histogram_add(struct histogram *histogram, uint64_t ns);

/* Returns the latency that `percent` per cent of the values do not exceed, in microseconds. */
double histogram_quantile_us(const struct histogram *histogram, unsigned percent);

#endif
