#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "protocol.h"

#define REQUEST \
    "GET / HTTP/1.1\r\n" \
    "Host: 127.0.0.1\r\n" \
    "User-Agent: load\r\n" \
    "Accept: */*\r\n" \
    "\r\n"
#define STATUS "HTTP/1.1 200 "
#define LENGTH "\r\nContent-Length:"
#define CHUNKED "\r\nTransfer-Encoding: chunked"
#define BODY "hello world"
#define HEAD_END "\r\n\r\n"

static struct bytes request(void)
{
    return (struct bytes){.at = (const unsigned char *)REQUEST, .length = sizeof REQUEST - 1};
}

size_t http_head_bytes(const char *text)
{
    const char *end = strstr(text, HEAD_END);
    return end == NULL ? 0 : (size_t)(end - text) + sizeof HEAD_END - 1;
}

/* Returns the body that a response with this head has, as it is on the wire. */
static struct bytes body_after(const char *text, size_t head)
{
    static const char chunked[] = "b\r\n" BODY "\r\n0\r\n\r\n";
    const char *field = strcasestr(text, LENGTH);
    if (field != NULL && field < text + head) {
        if (strtoul(field + sizeof LENGTH - 1, NULL, 10) != sizeof BODY - 1)
            fail("the server's answer is not as long as '" BODY "'");
        return (struct bytes){(const unsigned char *)BODY, sizeof BODY - 1};
    }
    field = strcasestr(text, CHUNKED);
    if (field == NULL || field > text + head)
        fail("the server's answer has neither Content-Length nor chunks");
    return (struct bytes){(const unsigned char *)chunked, sizeof chunked - 1};
}

static size_t response(const char *text, size_t length)
{
    const size_t head = http_head_bytes(text);
    if (head == 0)
        return 0;
    if (strncmp(text, STATUS, sizeof STATUS - 1) != 0)
        fail("the server did not answer with " STATUS "but: %.60s", text);
    const struct bytes body = body_after(text, head);
    const size_t there = length - head;
    if (memcmp(text + head, body.at, there < body.length ? there : body.length) != 0)
        fail("the server's answer is not '" BODY "'");
    return there < body.length ? 0 : head + body.length;
}

const struct protocol http_protocol = {
    .name = "http",
    .greeting = request,
    .message = request,
    .greeting_reply = response,
    .reply = response,
};
