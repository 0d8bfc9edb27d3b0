#include "settings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "clocks.h"
#include "fail.h"

#define CONNECTIONS_MAX 100000u
#define MESSAGE_BYTES_MAX (16u << 20)
#define PHASE_MS_MAX 600000u

static uint64_t number(const char *option, const char *text, uint64_t min, uint64_t max)
{
    char *end = NULL;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || value < min || value > max)
        fail("%s: '%s' is not a number from %" PRIu64 " to %" PRIu64, option, text, min, max);
    return value;
}

static void set(struct settings *settings, const char *option, const char *value)
{
    if (strcmp(option, "--mode") == 0)
        settings->mode = value;
    else if (strcmp(option, "--protocol") == 0)
        settings->protocol = value;
    else if (strcmp(option, "--tls") == 0)
        settings->tls = number(option, value, 0, 1) != 0;
    else if (strcmp(option, "--port") == 0)
        settings->port = (uint16_t)number(option, value, 0, UINT16_MAX);
    else if (strcmp(option, "--connections") == 0)
        settings->connections = (uint32_t)number(option, value, 1, CONNECTIONS_MAX);
    else if (strcmp(option, "--size") == 0)
        settings->size = (size_t)number(option, value, 1, MESSAGE_BYTES_MAX);
    else if (strcmp(option, "--warmup-ms") == 0)
        settings->warmup_ns = number(option, value, 0, PHASE_MS_MAX) * NS_PER_MS;
    else if (strcmp(option, "--measure-ms") == 0)
        settings->measure_ns = number(option, value, 1, PHASE_MS_MAX) * NS_PER_MS;
    else if (strcmp(option, "--server-pid") == 0)
        settings->server_pid = (pid_t)number(option, value, 1, INT32_MAX);
    else
        fail("%s: unknown option", option);
}

struct settings settings_parse(int argc, char **argv)
{
    struct settings settings = {
        .mode = "echo",
        .protocol = "echo",
        .connections = 1,
        .size = 64,
        .measure_ns = NS_PER_S,
    };
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 >= argc)
            fail("%s: needs a value", argv[i]);
        set(&settings, argv[i], argv[i + 1]);
    }
    if (settings.port == 0 && strcmp(settings.mode, "answer") != 0)
        fail("--port is missing");
    return settings;
}
