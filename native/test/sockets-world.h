/*
 * The sockets of one environment and an event loop around them, in the place of socket-loop.c and
 * JavaScript: polls, reads the events, and keeps for each slot what was reported of it.
 */
#ifndef ASYNCTCP_SOCKETS_WORLD_H
#define ASYNCTCP_SOCKETS_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "../sockets.h"

#define MAX_SEEN 16384
#define KIB 1024u

/* The reports of a slot since `forget`. */
struct seen {
  bool is_connected;
  bool has_ended;
  int failures;
  /* Refusal of the last failure, of a connection or of accepting. */
  int refusal;
  int writables;
  int starved;
  int pieces;
  uint64_t bytes;
  /* True if the bytes are those of `stream_byte`, from the first on. */
  bool is_sound;
  uint64_t acked;
  struct ends ends;
  /* These concern a listener. */
  int accepted;
  int last_accepted;
  int accept_failures;
  bool is_paused;
};

struct world {
  struct sockets sockets;
  struct seen seen[MAX_SEEN];
  /* These concern the last turn. */
  int event_count;
  int accepts_in_turn;
};

struct world *world_open(void);
/* Closes all sockets, and checks that no descriptor is left. */
void world_close(struct world *world);
/* Waits until something is ready, polls once, and reads the events. */
void turn(struct world *world);
/* Reads the first `count` events of a poll. */
void read_events(struct world *world, int count);

#define UNTIL(world, condition) \
  do { \
    while (!(condition)) turn(world); \
  } while (0)

/* Returns the reports of a slot. */
struct seen *seen(struct world *world, int slot);
/* Clears the reports of a slot, for a new socket. */
void forget(struct world *world, int slot);

/* Listens on 127.0.0.1, on a port that the system chooses. Returns the slot. */
int listen_here(struct world *world, int receive_buffer, uint16_t *port);
/* Connects to 127.0.0.1. Returns the slot. */
int connect_here(struct world *world, uint16_t port);

struct pair {
  int client;
  int server;
};

/* Makes a connection that has both ends in this world. */
struct pair pair_of(struct world *world, int listener, uint16_t port);
void close_both(struct world *world, struct pair pair);

/* Returns the byte at this place of a stream. All streams have the same bytes. */
uint8_t stream_byte(uint64_t place);
/* Sends bytes of the stream from the place `from` on. Returns the result of `sockets_send`. */
int send_stream(struct world *world, int slot, uint64_t from, size_t bytes);

/* Returns a socket outside of this world, which blocks. */
int plain_socket(void);
/* Connects such a socket to 127.0.0.1. */
void plain_connect(int fd, uint16_t port);

/* Returns the number of open descriptors of the process. */
int open_descriptors(void);

#endif
