/*
 * The sockets of one environment and a loop around them, as sockets-addon.c and JavaScript have it: polls,
 * reads the events, and keeps for each slot what was told of it.
 */
#ifndef ASYNCTCP_SOCKETS_WORLD_H
#define ASYNCTCP_SOCKETS_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "../sockets.h"

#define MAX_SEEN 16384

/* What was told of a slot, since `forget`. */
struct seen {
  bool is_connected;
  bool has_ended;
  int failures;
  /* The refusal of the last failure, of a connection or of accepting. */
  int refusal;
  int writables;
  int starved;
  int pieces;
  uint64_t bytes;
  /* The bytes are those of `stream_byte`, from the first on. */
  bool is_sound;
  uint64_t acked;
  struct ends ends;
  /* Of a listener. */
  int accepted;
  int last_accepted;
  int accept_failures;
  bool is_stopped;
};

struct world {
  struct sockets sockets;
  struct seen seen[MAX_SEEN];
  /* Of the last turn. */
  int event_count;
  int accepts_in_turn;
};

struct world *world_open(void);
/* Closes everything, and checks that no descriptor is left. */
void world_close(struct world *world);
/* Waits until something is ready, polls once, and reads the events. */
void turn(struct world *world);
/* Reads the events of a poll. */
void read_events(struct world *world, int count);

#define UNTIL(world, condition) \
  do { \
    while (!(condition)) turn(world); \
  } while (0)

struct seen *seen(struct world *world, int slot);
/* A slot that is used anew has a new life. */
void forget(struct world *world, int slot);

/* Listens on 127.0.0.1 and gives the slot; `port` is what the system chose. */
int listen_here(struct world *world, int receive_buffer, uint16_t *port);
int connect_here(struct world *world, uint16_t port);

struct pair {
  int client;
  int server;
};

/* A connection with both ends in the same sockets. */
struct pair pair_of(struct world *world, int listener, uint16_t port);
void close_both(struct world *world, struct pair pair);

/* All streams have the same bytes. */
uint8_t stream_byte(uint64_t place);
/* Sends the next bytes of the stream; gives what was taken. */
int send_stream(struct world *world, int slot, uint64_t from, size_t bytes);

int open_descriptors(void);

#endif
