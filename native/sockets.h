/*
 * All TCP sockets of one environment, on one epoll descriptor. C makes the system calls and keeps what they
 * need; src/stacks/kernel decides what is done and when.
 *
 * Call order, for each poll of a wake-up: `sockets_poll` fills event records and receive memory →
 * JavaScript reads them between `sockets_begin_dispatch` and `sockets_end_dispatch`, and fills send records
 * → `sockets_flush` sends them.
 *
 * Ownership of the memory that both sides see (`struct shared`):
 *  - `events` and `ends` belong to C while it polls, and to JavaScript from then until the next poll, which
 *    overwrites them.
 *  - Received bytes lie in pages, which JavaScript provides (`sockets_set_page`) and replaces. A poll fills
 *    each page from its cursor on. Bytes before a cursor may belong to a program and are never written
 *    again.
 *  - `sends` and `arena` belong to JavaScript while it fills them, and to C while it flushes. The results
 *    are in the records; once JavaScript has read them, it fills both again from the beginning.
 *
 * A socket is named by its slot. A slot that is closed while JavaScript reads events is free only after
 * that, so that no event of the former socket reaches the next one.
 *
 * Functions that return an int return 0, a slot or a number of bytes, or a refusal (refusal.h). EBADF: the
 * slot has no socket.
 */
#ifndef ASYNCTCP_SOCKETS_H
#define ASYNCTCP_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/epoll.h>
#include <sys/uio.h>

#include "endpoint.h"

/* Reports that one call of epoll_wait asks for. */
#define MAX_READY 256
/*
 * Event records of one poll. One ready socket fills at most MAX_RECORDS_EACH of them; a listener fills one
 * for each connection that it accepts.
 */
#define MAX_EVENTS 512
#define MAX_RECORDS_EACH 4
/* Connections that one listener accepts in one poll. */
#define MAX_ACCEPTS 64
/* Bytes that one socket receives in one poll. */
#define READ_BYTES 65536
/* Pages of a poll, and the bytes of one. */
#define MAX_PAGES 8
#define PAGE_BYTES 131072
/*
 * Bytes of a large piece, which ends the use of its page in a poll: if a program detaches the memory of a
 * piece, no piece that is not dispatched yet is lost with it.
 */
#define LARGE_BYTES 8192
/* A page with less room than this is not received into. */
#define LEAST_READ_BYTES 16384
/*
 * Pieces begin at multiples of this: the kernel copies with `rep movsb`, which on some processors (Zen 3)
 * takes up to 30 times as long to places that are not aligned to a cache line.
 */
#define PIECE_ALIGN 64
/* The first number of EVENT_DATA is the page << PAGE_SHIFT, plus the offset in the page. */
#define PAGE_SHIFT 20
/* Send records of one flush, and the bytes that they send. */
#define MAX_SENDS 256
#define ARENA_BYTES 262144
/* Pieces that one system call sends. */
#define MAX_PIECES 64
/*
 * Budget of a wake-up, in units of work and in polls. Each socket that is handled or accepted is one unit,
 * and so are WORK_BYTES that are received. Afterwards the program's timers and other I/O have their turn.
 */
#define ENOUGH_WORK 512
#define WORK_BYTES 2048
#define MAX_ROUNDS 16
/* A poll with fewer events ends the wake-up: another one would seldom find any, and the loop polls anyway. */
#define MANY_EVENTS 4
/* Bytes per event, on average, from which on a poll counts as bulk. */
#define BULK_BYTES 32768
/* Consecutive polls below that average that end bulk. */
#define MAX_FRAGMENTS 4
/*
 * Duration of busy polling for more bulk: what a sleep and its end cost. 64 KiB arrive in it at 3 GiB a
 * second.
 */
#define BUSY_POLL_NS 20000
/* Limit of polls of one busy polling, in case the clock stands still. */
#define MAX_BUSY_POLLS 1000
/* Upper limit of the backoff: chances to poll busily that are skipped after the last one was in vain. */
#define MAX_SKIPS 64

/* JavaScript has the same kinds and numbers (constants-addon.c). */
enum event_kind {
  EVENT_CONNECTED = 1, /* `ends` has the addresses */
  EVENT_FAILED,        /* first: a refusal. The socket reports nothing any more. */
  EVENT_DATA,          /* first: page and offset, second: bytes */
  EVENT_END,           /* the peer's FIN */
  EVENT_ACKED,         /* first: bytes that the peer acknowledged and that were not reported before */
  EVENT_WRITABLE,      /* the kernel accepts bytes again */
  EVENT_ACCEPTED,      /* first: the slot of the new socket; `ends` has the addresses */
  EVENT_ACCEPT_FAILED, /* first: a refusal, second: 1 if the listener is paused until `sockets_resume` */
  EVENT_STARVED,       /* no memory to receive: the socket is not read until `sockets_set_reading` */
  EVENT_KINDS_END,
};

struct event {
  int32_t kind;
  int32_t slot;
  int32_t first;
  int32_t second;
};

/* The addresses of EVENT_CONNECTED and EVENT_ACCEPTED, at the same index as the event. */
struct ends {
  struct end_text local;
  struct end_text remote;
};

struct send {
  int32_t slot;
  /* Offset in the arena. */
  int32_t offset;
  int32_t bytes;
  /* Written by the flush: bytes that the kernel accepted, or a refusal. */
  int32_t result;
};

struct shared {
  struct event *events;
  struct ends *ends;
  /* For each page, the offset at which the next poll begins to fill it. */
  int32_t *cursors;
  struct send *sends;
  uint8_t *arena;
  /* The answer of `sockets_path`, until the next one. */
  struct path_info *path;
};

struct socket;

struct page {
  /* NULL if there is no page. */
  uint8_t *memory;
  size_t bytes;
  /* The first aligned offset. */
  size_t begin;
  /* The offset up to which it is filled. */
  size_t used;
  /* True if `check_page` was asked in this poll. */
  bool is_checked;
};

/* Returns true if the page's memory still exists: a program may have detached it. */
typedef bool page_checker(void *context, int page);

/* Busy polling for more bulk, with an exponential backoff where it is in vain (sockets-wake-up.c). */
struct bulk {
  /* Fragments that may still come before bulk ends; 0 if there is no bulk. */
  int fragments_left;
  /* True if the present bulk was polled for busily. */
  bool is_polled;
  /* Bytes that busy polling brought. */
  size_t gained;
  /* Chances to skip, of the present backoff, and those of them that are left. */
  int skips;
  int skips_left;
};

struct sockets {
  struct shared shared;
  int epoll;
  /*
   * A descriptor in reserve, given up for a moment to reject a connection when there is no other; -1 if
   * none.
   */
  int spare;
  struct socket *slots;
  uint32_t slot_count;
  uint32_t first_free;
  /* List of slots that were closed while JavaScript read events. */
  uint32_t first_released;
  bool is_dispatching;
  /*
   * Reports of epoll that are not handled yet, and behind them those of sockets that had more the last
   * time.
   */
  struct epoll_event ready[2 * MAX_READY];
  int ready_count;
  int ready_next;
  /* Sockets that have more this time. */
  struct epoll_event again[MAX_READY];
  int again_count;
  int event_count;
  /* Units of work that this wake-up did, in the sense of ENOUGH_WORK. */
  int work;
  /* Event records that one wake-up may dispatch, and those of them that are left. 0: no limit. */
  int queue_size;
  int queue_left;
  /* Event records that this poll may fill. */
  int room;
  struct bulk bulk;
  /* Counts the polls, for tests. */
  uint64_t polls;
  /* Number of the present flush, never 0. */
  uint32_t flushes;
  struct page pages[MAX_PAGES];
  int page_count;
  /* The page that this poll fills now. */
  int page;
  /* True if a page is gone, and JavaScript has to provide another one. */
  bool lacks_page;
  /* Bytes that this poll received. */
  size_t poll_bytes;
  /* NULL if no program can detach a page. */
  page_checker *check_page;
  void *check_context;
};

/* Opens the descriptors. The memory of `shared` belongs to the caller and outlives the sockets. */
int sockets_open(struct sockets *sockets, const struct shared *shared);
/* Closes all descriptors. A stream whose FIN was not sent is reset. */
void sockets_close_all(struct sockets *sockets);
/* Forgets the caller's memory: nothing is received, reported or sent any more. */
void sockets_forget_memory(struct sockets *sockets);

/*
 * Gives the first `count` event records to JavaScript. A `count` of -1 says instead that a page is gone.
 * Returns false if JavaScript cannot run any more.
 */
typedef bool sockets_dispatcher(void *context, int count);
/*
 * Polls and dispatches, within the budget of a wake-up. Returns true if there is more that no descriptor
 * reports, so that the next turn of the loop has to continue.
 */
bool sockets_wake_up(struct sockets *sockets, sockets_dispatcher *dispatch, void *context);

/* Fills the event records. Returns their number. */
int sockets_poll(struct sockets *sockets);
/* Limits the events of one turn of the loop, to MAX_RECORDS_EACH or more; 0 for no limit. */
int sockets_set_queue_size(struct sockets *sockets, int events);
/* Returns true if the next poll has a socket to handle that no descriptor reports. */
bool sockets_has_more(const struct sockets *sockets);
/* Begins a dispatch: a slot that is closed during it is not used again before its end. */
void sockets_begin_dispatch(struct sockets *sockets);
/* Ends a dispatch, and frees the slots that were closed during it. */
void sockets_end_dispatch(struct sockets *sockets);
/*
 * Sends the first `count` send records. Returns the number of those that the kernel did not accept
 * completely.
 */
int sockets_flush(struct sockets *sockets, int count);

/* Begins to connect. Returns the slot. */
int sockets_connect(struct sockets *sockets, const struct connect_request *request);
/* Begins to listen. Returns the slot. */
int sockets_listen(struct sockets *sockets, const struct listen_request *request);
/*
 * Takes over a descriptor of a socket that listens already, of which other threads may have descriptors too.
 * Returns the slot. The descriptor is closed even after a refusal.
 */
int sockets_listen_also(struct sockets *sockets, int fd);
/* Returns a further descriptor of the slot's socket, which the caller closes. */
int sockets_duplicate(struct sockets *sockets, int slot);
/* Resumes a listener that EVENT_ACCEPT_FAILED paused. */
int sockets_resume(struct sockets *sockets, int slot);
/* Gives the socket's own address and port. */
int sockets_local_end(struct sockets *sockets, int slot, struct end_text *end);
/* Returns the bytes that the kernel accepted. If they are fewer, EVENT_WRITABLE follows. */
int sockets_send(struct sockets *sockets, int slot, const struct iovec *pieces, size_t count);
/* Makes the memory the page of this number. Returns the first aligned offset in it, for the page's cursor. */
int sockets_set_page(struct sockets *sockets, int page, uint8_t *memory, size_t bytes);
/* Limits the bytes that the next poll receives; 0 stops receiving. */
int sockets_set_reading(struct sockets *sockets, int slot, int bytes);
/* Makes receiving leave the window closed, which `sockets_consume` opens. */
int sockets_set_peeking(struct sockets *sockets, int slot);
/* Opens the window by `bytes` that were received by peeking. Returns the bytes that were there. */
int sockets_consume(struct sockets *sockets, int slot, int bytes);
/* Returns the bytes that the peer may send, according to the last window that it got. */
int sockets_window(struct sockets *sockets, int slot);
/* Drops all bytes that arrive from here on. EVENT_END and EVENT_FAILED still come. */
int sockets_discard(struct sockets *sockets, int slot);
/* Reports EVENT_ACKED when the peer has acknowledged our FIN, and possibly earlier. */
int sockets_await_fin_ack(struct sockets *sockets, int slot);
/* Switches EVENT_ACKED on or off. */
int sockets_report_acks(struct sockets *sockets, int slot, bool on);
/* Returns the bytes that were acknowledged since the last call or EVENT_ACKED. */
int sockets_acked(struct sockets *sockets, int slot);
/* Sets an option of the socket (setsockopt(2)). */
int sockets_option(struct sockets *sockets, int slot, int level, int name, int value);
/* Sets the probes of an idle connection; with `idle_s` 0 there are none. */
int sockets_keep_alive(struct sockets *sockets, int slot, int idle_s, int interval_s, int probes);
/* Gives what the kernel knows about a connection (TCP_INFO). */
int sockets_info(struct sockets *sockets, int slot, struct connection_info *info);
/* Writes the figures of the path into the shared memory. */
int sockets_path(struct sockets *sockets, int slot);
/* Returns the bytes that have arrived and were not received, those that were peeked at included. */
int sockets_waiting(struct sockets *sockets, int slot);
/* Sends FIN behind all bytes that the kernel accepted. */
int sockets_shutdown(struct sockets *sockets, int slot);
/* Closes the socket and frees the slot, even if close fails. */
int sockets_close(struct sockets *sockets, int slot);
/* As `sockets_close`, with a reset. */
int sockets_reset(struct sockets *sockets, int slot);
/* At the end of the environment the socket is closed, as the system does at the end of a process. */
int sockets_leave(struct sockets *sockets, int slot);

#endif
