/*
 * All TCP sockets of one environment, on one epoll descriptor. The C side makes system calls and keeps what
 * they need; what is done and when is decided in src/stacks/kernel.
 *
 * Call order, for each poll of a wake-up: `sockets_poll` fills event records and receive memory → JavaScript
 * reads them between `sockets_enter` and `sockets_leave`, and fills send records → `sockets_flush` sends them.
 *
 * Who owns the memory (`struct shared`), which both sides see:
 *  - `events` and `ends` are C's while it polls and JavaScript's until the next poll, at which all of that is
 *    free again.
 *  - What is received lies in pages, which JavaScript gives (`sockets_set_page`) and replaces. A poll fills
 *    each page from its cursor on; what lies before a cursor may be a program's, and is never written again.
 *  - `sends` and `arena` are JavaScript's while it fills them and C's while it flushes; the results stand in
 *    the records, and when JavaScript has read them all of it is free again.
 *
 * A socket is named by its slot. A slot that is closed while JavaScript reads events is used again only
 * after that, so that no event of the former socket meets the next one.
 */
#ifndef ASYNCTCP_SOCKETS_H
#define ASYNCTCP_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/epoll.h>
#include <sys/uio.h>

#include "endpoint.h"

/* Events that epoll is asked for at once. */
#define MAX_READY 256
/* Event records of one poll. One ready socket makes at most MAX_RECORDS_EACH, a listener MAX_ACCEPTS more. */
#define MAX_EVENTS 512
#define MAX_RECORDS_EACH 4
/* Connections that one listener accepts in one poll. */
#define MAX_ACCEPTS 64
/* Bytes that one socket receives in one poll. */
#define READ_BYTES 65536
/*
 * Pages of a poll, and the bytes of one. A large piece is the last one of its page in a poll: if a program takes
 * the memory of a piece away, no piece that was not told yet goes with it.
 */
#define MAX_PAGES 8
#define PAGE_BYTES 131072
#define LARGE_BYTES 8192
/* A page with less room than this is not received into. */
#define LEAST_READ_BYTES 16384
/*
 * Pieces begin at multiples of this: the kernel copies with `rep movsb`, which on some processors (Zen 3) takes
 * up to 30 times as long to places that are not aligned to a cache line.
 */
#define PIECE_ALIGN 64
/* EVENT_DATA's first number is the page, shifted by so much, and the offset in it. */
#define PAGE_SHIFT 20
/* Sends that wait for one flush, and their bytes. */
#define MAX_SENDS 256
#define ARENA_BYTES 262144
/* Pieces that one system call sends. */
#define MAX_PIECES 64
/*
 * Work after which a wake-up looks at no further socket: one that is looked at or accepted is one, and so are
 * WORK_BYTES of what is received. And its polls. Then timers and the program's other I/O have their turn.
 */
#define ENOUGH_WORK 512
#define WORK_BYTES 2048
#define MAX_ROUNDS 16
/* After a poll that brought fewer events the next one would mostly find nothing: the loop looks as well. */
#define MANY_EVENTS 4
/* A poll whose events have so many bytes on the average brought bulk. */
#define BULK_BYTES 32768
/* Polls that bring anything else, one after another, that end bulk. */
#define MAX_FRAGMENTS 4
/* How long more bulk is awaited: about what a sleep and its end cost; at 3 GiB a second 64 KiB come in it. */
#define AWAITED_NS 20000
/* The bound of that for a clock that stands still. */
#define MAX_LOOKS 1000
/* Chances to await more bulk that are left out at most, after it was awaited in vain. */
#define MAX_SKIPS 64

/* In the order of EventKind in src/addon/native-sockets.ts. */
enum event_kind {
  EVENT_CONNECTED = 1, /* `ends` has the addresses */
  EVENT_FAILED,        /* first: a refusal; the socket is not polled any more */
  EVENT_DATA,          /* first: page and offset, second: bytes */
  EVENT_END,           /* the peer's FIN */
  EVENT_ACKED,         /* first: bytes that the peer acknowledged since the last time */
  EVENT_WRITABLE,      /* the kernel takes bytes again */
  EVENT_ACCEPTED,      /* first: the slot of the new socket; `ends` has the addresses */
  EVENT_ACCEPT_FAILED, /* first: a refusal, second: 1 when the listener is not polled until it is resumed */
  EVENT_STARVED,       /* no memory to receive into: not read until that is asked for again */
};

struct event {
  int32_t kind;
  int32_t slot;
  int32_t first;
  int32_t second;
};

/* The addresses of EVENT_CONNECTED and EVENT_ACCEPTED, at the event's own index. */
struct ends {
  struct end_text local;
  struct end_text remote;
};

struct send {
  int32_t slot;
  /* In the arena. */
  int32_t offset;
  int32_t bytes;
  /* The flush's answer: bytes taken, or a refusal. */
  int32_t result;
};

struct shared {
  struct event *events;
  struct ends *ends;
  /* Of each page, the offset from which on the next poll fills it. */
  int32_t *cursors;
  struct send *sends;
  uint8_t *arena;
};

struct socket;

struct page {
  /* NULL: there is none. */
  uint8_t *memory;
  size_t bytes;
  /* The first aligned offset. */
  size_t begin;
  /* How far it is filled. */
  size_t used;
  /* It was asked in this poll if it is still there. */
  bool is_checked;
};

/* Returns true if the page is still JavaScript's to give: a program may have detached it. */
typedef bool page_checker(void *context, int page);

/* Whether more bulk is awaited. */
struct bulk {
  /* How often still, if nothing but fragments come; 0: there was no bulk. */
  int looks_left;
  bool is_awaited;
  /* Bytes that awaiting brought. */
  size_t gained;
  /* How often it is left out after it was in vain the last time, and how often still. */
  int skips;
  int skips_left;
};

struct sockets {
  struct shared shared;
  int epoll;
  /* A descriptor in reserve, given up to turn a connection away when there are no others; -1: none. */
  int spare;
  struct socket *slots;
  uint32_t slot_count;
  uint32_t first_free;
  /* Slots that were closed while JavaScript read events. */
  uint32_t first_released;
  bool is_inside;
  /* What epoll reported and was not looked at yet, and behind it those that had more the last time. */
  struct epoll_event ready[2 * MAX_READY];
  int ready_count;
  int ready_next;
  /* Those that have more this time. */
  struct epoll_event again[MAX_READY];
  int again_count;
  int event_count;
  /* What this wake-up did, as ENOUGH_WORK counts it. */
  int work;
  /* Event records that one wake-up tells of at most, and how many it may tell of still. 0: no limit. */
  int queue_size;
  int queue_left;
  /* Event records that this poll has room for. */
  int room;
  struct bulk bulk;
  /* Count the polls, for tests, and the flushes. */
  uint64_t polls;
  uint32_t flushes;
  struct page pages[MAX_PAGES];
  int page_count;
  /* The page that this poll fills now. */
  int page;
  /* A page was gone, and JavaScript has to give another one. */
  bool lacks_page;
  /* Bytes that this poll received. */
  size_t poll_bytes;
  /* NULL: no program can detach a page. */
  page_checker *check_page;
  void *check_context;
};

/* 0 or a refusal. The memory of `shared` is the caller's and lives as long. */
int sockets_open(struct sockets *sockets, const struct shared *shared);
/* Closes everything, with a reset what has not sent its FIN. */
void sockets_close_all(struct sockets *sockets);
/* The caller takes its memory back: nothing is received, told or sent any more. */
void sockets_forget_memory(struct sockets *sockets);

/* Tells JavaScript of the records of a poll. False: it cannot run any more. */
typedef bool sockets_teller(void *context, int count);
/*
 * Polls and tells. A count of -1 tells that a page is gone. Returns true if there is more that no descriptor
 * tells of: the next turn of the loop goes on.
 */
bool sockets_wake_up(struct sockets *sockets, sockets_teller *tell, void *context);

/* Fills the event records; the number of them, or a refusal of epoll. */
int sockets_poll(struct sockets *sockets);
/* Bounds the events of one turn of the loop, to MAX_RECORDS_EACH or more; 0: no bound. */
int sockets_set_queue_size(struct sockets *sockets, int events);
/* Whether the next poll has something to look at that no descriptor tells of. */
bool sockets_has_more(const struct sockets *sockets);
void sockets_enter(struct sockets *sockets);
void sockets_leave(struct sockets *sockets);
/* Sends the first `count` records; the number of those that the kernel did not take whole. */
int sockets_flush(struct sockets *sockets, int count);

/* Each of these gives a slot, bytes or 0; or a refusal. EBADF: the slot has no socket any more. */
int sockets_connect(struct sockets *sockets, const struct connect_request *request);
int sockets_listen(struct sockets *sockets, const struct listen_request *request);
/* Polls a listener again that EVENT_ACCEPT_FAILED stopped. */
int sockets_resume(struct sockets *sockets, int slot);
int sockets_local_end(struct sockets *sockets, int slot, struct end_text *end);
int sockets_send(struct sockets *sockets, int slot, const struct iovec *pieces, size_t count);
/*
 * From now on this memory is the page of that number. Gives the first place in it that is aligned, for the
 * page's cursor.
 */
int sockets_set_page(struct sockets *sockets, int page, uint8_t *memory, size_t bytes);
/* Bytes that the next poll may receive at most; 0 stops receiving. */
int sockets_set_reading(struct sockets *sockets, int slot, int bytes);
/* From now on receiving leaves the window closed, and `sockets_consume` opens it. */
int sockets_set_peeking(struct sockets *sockets, int slot);
int sockets_consume(struct sockets *sockets, int slot, int bytes);
/* Bytes that the peer may send now. */
int sockets_window(struct sockets *sockets, int slot);
/* From now on what arrives is dropped; only EVENT_END and EVENT_FAILED tell of it. */
int sockets_discard(struct sockets *sockets, int slot);
/* From now on EVENT_ACKED comes when our FIN is acknowledged, and maybe before. */
int sockets_await_fin_ack(struct sockets *sockets, int slot);
/* Whether EVENT_ACKED comes by itself. */
int sockets_report_acks(struct sockets *sockets, int slot, bool on);
/* Bytes that were acknowledged since the last time, here or by EVENT_ACKED. */
int sockets_acked(struct sockets *sockets, int slot);
int sockets_option(struct sockets *sockets, int slot, int level, int name, int value);
int sockets_keep_alive(struct sockets *sockets, int slot, int idle_s, int interval_s, int probes);
int sockets_info(struct sockets *sockets, int slot, struct connection_info *info);
int sockets_shutdown(struct sockets *sockets, int slot);
int sockets_close(struct sockets *sockets, int slot);
/* Closes with a reset. */
int sockets_reset(struct sockets *sockets, int slot);

#endif
