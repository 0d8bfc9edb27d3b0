/*
 * What the files of the sockets share, and nobody else sees: one socket, and the steps that each of them may
 * take with it.
 *
 * Streams are watched by edges: epoll tells once of what came, and whoever does not take all of it asks to be
 * told again (`watch`). By levels epoll would look at every socket a second time, after it was emptied.
 */
#ifndef ASYNCTCP_SOCKET_H
#define ASYNCTCP_SOCKET_H

#include "sockets.h"

#include <sys/types.h>

#define NO_SLOT UINT32_MAX
/* A call that is interrupted again and again is left to the next poll. */
#define MAX_INTERRUPTIONS 8

enum role { ROLE_FREE, ROLE_CONNECTING, ROLE_STREAM, ROLE_LISTENER };

struct socket {
  int fd;
  /* Tells the present socket of the slot from former ones, in what epoll reports. */
  uint32_t generation;
  uint32_t next_free;
  /* What the next poll receives at most; of a listener, whether it accepts. */
  int32_t read_bytes;
  /* Bytes that the kernel took, and of those that it was told of as acknowledged. */
  uint64_t taken;
  uint64_t acked;
  /* Where it stands among those that had more; it is meaningless for others. */
  int32_t place;
  /* The flush in which the kernel refused a piece: those behind it wait as well. */
  uint32_t refused_in;
  /* How often its error queue was looked at. */
  uint8_t looks;
  uint8_t role;
  /* The peer's FIN was read. */
  bool has_ended;
  bool sent_fin;
  bool peeks;
  bool discards;
  bool reports_acks;
  /* The kernel's buffer is full; EPOLLOUT ends that. */
  bool is_full;
  /* Linux tells by EPOLLOUT that our FIN is acknowledged (FIN_WAIT_2), and with it all bytes. */
  bool awaits_fin_ack;
  /* A fault was told: epoll does not have it any more. */
  bool is_over;
};

/* ---- sockets.c */

/* NULL: the slot has no socket. */
struct socket *socket_at(struct sockets *sockets, int slot);
/*
 * Takes a descriptor over and gives its slot. A refusal resets it: with a FIN, the peer of an accepted one
 * would see an end like any other.
 */
int adopt(struct sockets *sockets, int fd, enum role role);
/* Closes with a reset. */
int reset_descriptor(int fd);
/* The socket as epoll's reports call it. */
uint64_t name_of(const struct sockets *sockets, uint32_t slot);
/* Has epoll tell of the socket, also of what it told before. */
int watch(struct sockets *sockets, uint32_t slot);

/* ---- sockets-events.c */

struct event *tell(struct sockets *sockets, enum event_kind kind, uint32_t slot);
/* True if there is room for the records of one more socket. */
bool has_records(const struct sockets *sockets);
/* The addresses that belong to what was told last. */
struct ends *ends_of_last(struct sockets *sockets);
/* The socket is done for: it is told once, and not polled any more. JavaScript closes it. */
void tell_failed(struct sockets *sockets, uint32_t slot, int reason);
/* As `watch` for an event that has to be told if it fails. */
void watch_or_fail(struct sockets *sockets, uint32_t slot);

/* ---- sockets-accept.c */

/* A listener is ready. */
void accept_waiting(struct sockets *sockets, uint32_t slot);

/* ---- sockets-acks.c */

/* How many of the bytes that the kernel took the peer has acknowledged, and nobody was told of. */
int acked_since(struct socket *socket);
/* The same as an event, if there are any. */
void tell_acked(struct sockets *sockets, uint32_t slot);
/*
 * Empties the error queue: its entries say only that something was acknowledged. With `is_answer`, one that
 * came with bytes of the peer's, it is mostly a single one that is taken. Whether there were any.
 */
bool drain_stamps(struct sockets *sockets, uint32_t slot, bool is_answer);

#endif
