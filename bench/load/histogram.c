#include "histogram.h"

#include <stddef.h>

static size_t bucket_of(uint64_t ns)
{
    if (ns < HISTOGRAM_SUB_BUCKETS)
        return (size_t)ns;
    const unsigned exponent = 63u - (unsigned)__builtin_clzll(ns);
    const unsigned shift = exponent - HISTOGRAM_SUB_BITS;
    return (size_t)(shift + 1u) * HISTOGRAM_SUB_BUCKETS + (size_t)((ns >> shift) - HISTOGRAM_SUB_BUCKETS);
}

static double bucket_middle(size_t bucket)
{
    if (bucket < HISTOGRAM_SUB_BUCKETS)
        return (double)bucket;
    const unsigned shift = (unsigned)(bucket / HISTOGRAM_SUB_BUCKETS) - 1u;
    const double width = (double)(UINT64_C(1) << shift);
    return ((double)(bucket % HISTOGRAM_SUB_BUCKETS + HISTOGRAM_SUB_BUCKETS) + 0.5) * width;
}

void histogram_add(struct histogram *histogram, uint64_t ns)
{
    histogram->counts[bucket_of(ns)]++;
    histogram->count++;
    if (ns > histogram->max_ns)
        histogram->max_ns = ns;
}

double histogram_quantile_us(const struct histogram *histogram, unsigned percent)
{
    const uint64_t rank = (histogram->count * percent + 99u) / 100u;
    const double max_ns = (double)histogram->max_ns;
    uint64_t seen = 0;
    for (size_t bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        seen += histogram->counts[bucket];
        if (seen >= rank) {
            const double ns = bucket_middle(bucket);
            return (ns < max_ns ? ns : max_ns) / 1e3;
        }
    }
    return max_ns / 1e3;
}
