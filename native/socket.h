/*
 * One socket, and the functions that the files of the sockets share.
 *
 * Streams are edge-triggered: epoll reports bytes once, and code that does not take all of them asks for
 * another report (`watch`). Level-triggered, epoll would check every socket a second time after it was
 * emptied.
 */
#ifndef ASYNCTCP_SOCKET_H
#define ASYNCTCP_SOCKET_H

#include "sockets.h"

#include <sys/types.h>

#define NO_SLOT UINT32_MAX
/* Attempts at a call that is interrupted every time, before it is left to the next poll. */
#define MAX_INTERRUPTIONS 8

/*
 * The life of a slot. `sockets_close` and `sockets_reset` lead from every phase to PHASE_FREE.
 *
 *   phase             entered by                            may become
 *   PHASE_FREE        free_slot                             CONNECTING, STREAM, LISTENING
 *   PHASE_CONNECTING  sockets_connect                       STREAM, FAILED
 *   PHASE_STREAM      on_connecting, accept_connections     FAILED
 *   PHASE_LISTENING   sockets_listen, sockets_resume        PAUSED
 *   PHASE_PAUSED      report_accept_failed                  LISTENING
 *   PHASE_FAILED      report_failed                         -
 */
enum phase {
  PHASE_FREE,
  PHASE_CONNECTING,
  PHASE_STREAM,
  PHASE_LISTENING,
  /* A listener that accepts nothing until it is resumed. */
  PHASE_PAUSED,
  /* EVENT_FAILED was reported, and epoll does not watch the descriptor any more. */
  PHASE_FAILED,
};

/* Treatment of the bytes that a stream receives. The value only moves down this list, and may skip steps. */
enum input {
  /* They are copied into a page, which opens the window. */
  INPUT_TAKEN,
  /* They are copied and stay in the kernel until `sockets_consume` (SO_PEEK_OFF). */
  INPUT_PEEKED,
  /* They are dropped. */
  INPUT_DISCARDED,
  /* The peer's FIN was read. */
  INPUT_ENDED,
};

struct socket {
  int fd;
  /* Distinguishes the present socket of the slot from former ones in the reports of epoll. */
  uint32_t generation;
  uint32_t next_free;
  /* Bytes that the next poll receives at most. */
  int32_t read_bytes;
  /* Bytes that the kernel accepted, and those of them that were reported as acknowledged. */
  uint64_t taken;
  uint64_t acked;
  /* Index in `ready`, if that index is in the second part, which sockets with more form. */
  int32_t place;
  /* The flush in which the kernel refused a piece: later pieces of that flush must not overtake it. */
  uint32_t refused_in;
  /* Counts the looks at the error queue. */
  uint8_t looks;
  /* An `enum phase` and an `enum input`. */
  uint8_t phase;
  uint8_t input;
  bool sent_fin;
  /* A setting: at the end of the environment the socket is closed and not reset. */
  bool leaves;
  /* The kernel's buffer is full: sending waits for EPOLLOUT. */
  bool is_full;
  /* A setting: EVENT_ACKED is wanted. */
  bool reports_acks;
  /* A setting: EPOLLOUT is wanted, by which Linux reports the acknowledgement of our FIN (FIN_WAIT_2). */
  bool awaits_fin_ack;
};

/* ---- sockets.c */

/* Returns the socket of the slot, or NULL if there is none. */
struct socket *socket_at(struct sockets *sockets, int slot);
/*
 * Takes over a descriptor and returns its slot. A refusal resets the descriptor: by a FIN, the peer of an
 * accepted connection would see a normal end.
 */
int adopt(struct sockets *sockets, int fd, enum phase phase);
/* Closes a descriptor with a reset. It is closed even after a refusal. */
int reset_descriptor(int fd);
/* Returns the number by which the reports of epoll name the socket. */
uint64_t epoll_key(const struct sockets *sockets, uint32_t slot);
/* Has epoll report the socket's present state, even if it reported that before. */
int watch(struct sockets *sockets, uint32_t slot);

/* ---- sockets-events.c */

/* Adds an event record. The caller has made sure that there is room (`has_event_room`). */
struct event *push_event(struct sockets *sockets, enum event_kind kind, uint32_t slot);
/* Returns true if the records of one more socket fit. */
bool has_event_room(const struct sockets *sockets);
/* Returns the addresses that belong to the last event. */
struct ends *last_event_ends(struct sockets *sockets);
/* Ends the socket's life with EVENT_FAILED, unless it has ended already. JavaScript then closes the slot. */
void report_failed(struct sockets *sockets, uint32_t slot, int reason);
/* As `watch`. A refusal is reported as EVENT_FAILED. */
void watch_or_report(struct sockets *sockets, uint32_t slot);

/* ---- sockets-accept.c */

/* Accepts the connections that wait, when epoll has reported the listener. */
void accept_connections(struct sockets *sockets, uint32_t slot);

/* ---- sockets-acks.c */

/* Returns the bytes that the peer acknowledged since the last call. */
int take_acked(struct socket *socket);
/* As `take_acked`, reported as EVENT_ACKED if there are any. */
void report_acked(struct sockets *sockets, uint32_t slot);
/*
 * Empties the error queue, whose timestamps only say that something was acknowledged. With `is_answer`,
 * when bytes of the peer came as well, mostly takes a single entry. Returns true if there were any.
 */
bool drain_timestamps(struct sockets *sockets, uint32_t slot, bool is_answer);

#endif
