/*
 * TCP descriptors: making connecting and listening ones, their addresses and their options. Functions
 * return 0 or a descriptor, or a refusal (refusal.h). After a refusal no descriptor is left open.
 */
#ifndef ASYNCTCP_ENDPOINT_H
#define ASYNCTCP_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include <netinet/in.h>
#include <sys/socket.h>

/* Bytes of an IPv6 address with a zone, and of the NUL at its end. */
#define ADDRESS_TEXT_BYTES (INET6_ADDRSTRLEN + 1 + 16)

/* One end of a connection, in memory that JavaScript reads: 66 bytes, without padding. */
struct end_text {
  uint16_t port;
  /* Ends with NUL. An IPv4 address that is mapped into IPv6 has the form of IPv4. */
  char address[64];
};

struct connect_request {
  const char *address;
  uint16_t port;
  /* NULL if the system chooses. */
  const char *local_address;
  uint16_t local_port;
  /* True if other sockets may use the local port as well, listeners among them. They have to allow it too. */
  bool reuse_port;
  /* SO_RCVBUF in bytes; 0 for the system's buffer, which grows by itself. */
  int receive_buffer;
};

/* Begins to connect. Returns the descriptor. */
int endpoint_connect(const struct connect_request *request);

/* The values are those of `listen` in src/addon/native-sockets.ts. */
enum port_sharing {
  SHARES_NOTHING,
  /* Other sockets may have the port as well, before and after. They have to allow it too. */
  SHARES_PORT,
  /* As SHARES_PORT, but no other socket listens at the port yet: a second program is refused. */
  SHARES_FREE_PORT,
};

struct listen_request {
  /* NULL for every address, IPv6 and IPv4. */
  const char *address;
  uint16_t port;
  int backlog;
  enum port_sharing sharing;
  /* SO_RCVBUF in bytes, which accepted sockets inherit; 0 for the system's. */
  int receive_buffer;
};

/* Begins to listen. Returns the descriptor. */
int endpoint_listen(const struct listen_request *request);
/* Returns a further descriptor of the same socket. */
int endpoint_duplicate(int fd);

/* Gives this side's address and port. */
int endpoint_local(int fd, struct end_text *end);
/* Gives the peer's address and port. */
int endpoint_remote(int fd, struct end_text *end);

/* Sets an option of the socket (setsockopt(2)). */
int endpoint_option(int fd, int level, int name, int value);
/* Sets the probes of an idle connection; with `idle_s` 0 there are none. */
int endpoint_keep_alive(int fd, int idle_s, int interval_s, int probes);

struct connection_info {
  /* State of the kernel's TCP (netinet/tcp.h: TCP_ESTABLISHED is 1). */
  int state;
  /* Bytes of a segment. */
  int mss;
  /* Milliseconds since data or an acknowledgement of the peer arrived. */
  int heard_ago_ms;
};

int endpoint_info(int fd, struct connection_info *info);

/* Figures of the path to the peer, in memory that JavaScript reads. */
struct path_info {
  /* As in `connection_info`. */
  int32_t mss;
  int32_t heard_ago_ms;
  /* Smoothed round-trip time in microseconds; 0 before the first measurement. */
  int32_t round_trip_us;
  /* Segments that were sent again since the connection began. */
  int32_t retransmissions;
  /* Bytes that the peer's window admits beyond the last acknowledged one; -1 before Linux 5.4. */
  int32_t peer_window;
  /* Retransmissions and probes in a row that the peer has not answered. */
  int32_t unanswered;
};

int endpoint_path(int fd, struct path_info *path);
/* Returns the bytes that have arrived and were not received, those that were peeked at included. */
int endpoint_waiting(int fd);
/* Returns the bytes that the peer may send, according to the last window that it got. Needs Linux 6.2. */
int endpoint_window(int fd);
/* Returns true if bytes can be peeked at from an offset on. Needs Linux 6.9. */
bool endpoint_can_peek(void);

#endif
