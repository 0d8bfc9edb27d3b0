/*
 * Joins a tunnel to the event loop and the JavaScript of an environment: libuv watches the descriptor, and each
 * batch of received packets is one call of JavaScript.
 *
 * Call order: `tunnel_loop_create` → `tunnel_loop_open` → batches → `tunnel_loop_end`, or the end of the
 * environment. The memory of the loop has two owners, the descriptor and the object whose functions carry the
 * loop to JavaScript. The second one that lets go frees it.
 */
#ifndef ASYNCTCP_TUNNEL_LOOP_H
#define ASYNCTCP_TUNNEL_LOOP_H

#include <stdbool.h>

#include <node_api.h>
#include <uv.h>

#include "tunnel.h"

/* The bytes and lengths of the received batch, and those of the batch that is sent. */
#define TUNNEL_BUFFERS 4

struct tunnel_loop {
  napi_env env;
  /* The function of JavaScript that takes a batch. */
  napi_ref dispatch;
  napi_ref buffers[TUNNEL_BUFFERS];
  int owners;
  napi_async_cleanup_hook_handle cleanup;
  uv_poll_t watcher;
  /* True during a batch. A program that runs the event loop inside of its callback gets no second one. */
  bool is_dispatching;
  struct tunnel tunnel;
  struct batch received;
  struct batch sent;
  /* True once the descriptor is being closed. */
  bool is_closing;
};

/* Allocates a loop whose only owner is the caller. Returns NULL if there is no memory. */
struct tunnel_loop *tunnel_loop_create(napi_env env);

/* Gives up one ownership, and frees the loop with the last one. */
void tunnel_loop_disown(struct tunnel_loop *loop);

/*
 * Begins to watch the tunnel, which is open and belongs to the loop from here on. The descriptor becomes an
 * owner. Returns 0 or a refusal, after which the descriptor is closed.
 */
int tunnel_loop_open(struct tunnel_loop *loop);

/* Closes the descriptor and releases all memory of the engine. */
void tunnel_loop_end(struct tunnel_loop *loop);

/* Releases the references to memory and functions of the engine. */
void tunnel_loop_release(struct tunnel_loop *loop);

#endif
