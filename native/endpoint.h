/*
 * Making TCP descriptors: connecting and listening ones, their addresses and their options. Every function
 * gives 0 or a descriptor, or a refusal (refusal.h); none leaves a descriptor behind that it does not give.
 */
#ifndef ASYNCTCP_ENDPOINT_H
#define ASYNCTCP_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include <netinet/in.h>
#include <sys/socket.h>

/* An IPv6 address with a zone, and the end of the string. */
#define ADDRESS_TEXT_BYTES (INET6_ADDRSTRLEN + 1 + 16)

/* One end of a connection as JavaScript reads it from memory: 66 bytes, without padding. */
struct end_text {
  uint16_t port;
  /* Ends with NUL. An IPv4 address that is mapped into IPv6 is told as IPv4. */
  char address[64];
};

struct connect_request {
  const char *address;
  uint16_t port;
  /* NULL: the system chooses. */
  const char *local_address;
  uint16_t local_port;
  /* Others may have the local port as well, listeners among them, if they say so too. */
  bool reuse_port;
  /* SO_RCVBUF; 0: the system's, which grows by itself. */
  int receive_buffer;
};

/* The descriptor of a connection that is being made. */
int endpoint_connect(const struct connect_request *request);

struct listen_request {
  /* NULL: every address, IPv6 and IPv4. */
  const char *address;
  uint16_t port;
  int backlog;
  bool reuse_port;
  int receive_buffer;
};

int endpoint_listen(const struct listen_request *request);

/* This side's address. */
int endpoint_local(int fd, struct end_text *end);
/* The text form of an address that a call filled in. */
void end_of(const struct sockaddr_storage *address, struct end_text *end);
int endpoint_remote(int fd, struct end_text *end);

int endpoint_option(int fd, int level, int name, int value);
/* `idle_s` 0 switches the probes off. */
int endpoint_keep_alive(int fd, int idle_s, int interval_s, int probes);
struct connection_info {
  /* The state of the kernel's TCP (tcp_states.h: TCP_ESTABLISHED is 1). */
  int state;
  /* The segment's size, in bytes. */
  int mss;
  /* Milliseconds since data or an acknowledgement of the peer arrived. */
  int heard_ago_ms;
};
int endpoint_info(int fd, struct connection_info *info);
/* Bytes that the peer may send now, as it was told. Linux 6.2. */
int endpoint_window(int fd);
/* Whether a reading may peek byte by byte: Linux 6.9. */
bool endpoint_can_peek(void);

#endif
