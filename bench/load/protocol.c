#define _GNU_SOURCE
#include "protocol.h"

#include <string.h>

#include "fail.h"

static const struct protocol *const protocols[] = {&http_protocol, &websocket_protocol};

const struct protocol *protocol_of(const struct settings *settings)
{
    if (strcmp(settings->protocol, "echo") == 0)
        return NULL;
    for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++) {
        const struct protocol *protocol = protocols[i];
        if (strcmp(settings->protocol, protocol->name) != 0)
            continue;
        if (protocol->prepare != NULL)
            protocol->prepare(settings);
        return protocol;
    }
    fail("--protocol: '%s' is unknown", settings->protocol);
}
