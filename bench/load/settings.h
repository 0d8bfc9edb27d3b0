/* The command line: pairs of an option and its value, made by the harness. */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct settings {
    const char *mode;
    const char *protocol;
    bool tls;
    uint16_t port;
    uint32_t connections;
    size_t size;
    uint64_t warmup_ns;
    uint64_t measure_ns;
    pid_t server_pid;
};

struct settings settings_parse(int argc, char **argv);

#endif
