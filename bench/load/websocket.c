#include <string.h>

#include "fail.h"
#include "protocol.h"

/* The key and its answer are the example of RFC 6455, section 1.3. */
#define UPGRADE \
    "GET / HTTP/1.1\r\n" \
    "Host: 127.0.0.1\r\n" \
    "Connection: Upgrade\r\n" \
    "Upgrade: websocket\r\n" \
    "Sec-WebSocket-Version: 13\r\n" \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" \
    "\r\n"
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

/* RFC 6455, section 5.2: a length of seven bits; the client masks its payload, the server does not. */
#define PAYLOAD_BYTES_MAX 125u
#define BINARY_FRAME 0x82
#define MASKED 0x80
#define HEAD_BYTES 2u
#define MASK_BYTES 4u

static const unsigned char mask[MASK_BYTES] = {0x37, 0xfa, 0x21, 0x3d};
static unsigned char sent[HEAD_BYTES + MASK_BYTES + PAYLOAD_BYTES_MAX];
static unsigned char expected[HEAD_BYTES + PAYLOAD_BYTES_MAX];
static size_t payload_bytes;

static void prepare(const struct settings *settings)
{
    payload_bytes = settings->size;
    if (payload_bytes > PAYLOAD_BYTES_MAX)
        fail("--size: a message on a WebSocket has at most %u bytes here", PAYLOAD_BYTES_MAX);
    sent[0] = expected[0] = BINARY_FRAME;
    sent[1] = (unsigned char)(MASKED | payload_bytes);
    expected[1] = (unsigned char)payload_bytes;
    memcpy(sent + HEAD_BYTES, mask, MASK_BYTES);
    for (size_t i = 0; i < payload_bytes; i++) {
        expected[HEAD_BYTES + i] = (unsigned char)i;
        sent[HEAD_BYTES + MASK_BYTES + i] = (unsigned char)(i ^ mask[i % MASK_BYTES]);
    }
}

static struct bytes upgrade(void)
{
    return (struct bytes){.at = (const unsigned char *)UPGRADE, .length = sizeof UPGRADE - 1};
}

static struct bytes frame(void)
{
    return (struct bytes){.at = sent, .length = HEAD_BYTES + MASK_BYTES + payload_bytes};
}

static size_t switching(const char *text, size_t length)
{
    (void)length;
    const size_t head = http_head_bytes(text);
    if (head > 0 && strstr(text, ACCEPT) == NULL)
        fail("the server did not switch to WebSocket, but answered: %.60s", text);
    return head;
}

static size_t echo(const char *text, size_t length)
{
    const size_t total = HEAD_BYTES + payload_bytes;
    const size_t compared = length < total ? length : total;
    if (memcmp(text, expected, compared) != 0)
        fail("the echo on a WebSocket differs from the message");
    return length < total ? 0 : total;
}

const struct protocol websocket_protocol = {
    .name = "websocket",
    .prepare = prepare,
    .greeting = upgrade,
    .message = frame,
    .greeting_reply = switching,
    .reply = echo,
};
