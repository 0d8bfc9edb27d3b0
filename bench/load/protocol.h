/* What a connection of the load sends, and how the end of a reply is found. */
#ifndef PROTOCOL_H
#define PROTOCOL_H

#include <stddef.h>

#include "settings.h"

/* No reply may be longer: it is kept until it is complete. */
#define KEPT_BYTES_MAX 4096u

struct bytes {
    const unsigned char *at;
    size_t length;
};

struct protocol {
    const char *name;
    /* Called once, before the other functions. May be NULL. */
    void (*prepare)(const struct settings *settings);
    /* The first message of a connection, and each later one: the same on all connections. */
    struct bytes (*greeting)(void);
    struct bytes (*message)(void);
    /*
     * Returns the length of the reply to the greeting, or to a message, at the beginning of `text`, which
     * ends with a NUL; 0 if it is not complete. Ends the program if the reply is wrong.
     */
    size_t (*greeting_reply)(const char *text, size_t length);
    size_t (*reply)(const char *text, size_t length);
};

/* GET requests. The reply's body is to be "hello world". */
extern const struct protocol http_protocol;

/* A WebSocket that echoes messages of settings->size bytes. */
extern const struct protocol websocket_protocol;

/* Returns the protocol of settings->protocol, prepared; NULL for plain echoes. */
const struct protocol *protocol_of(const struct settings *settings);

/* Returns the length of the head of an HTTP message, with its empty line; 0 if it is not complete. */
size_t http_head_bytes(const char *text);

#endif
