/*
 * Joins the sockets of an environment to its event loop and its JavaScript: libuv watches the epoll
 * descriptor, and each poll of a wake-up is one call of JavaScript.
 *
 * Call order: `loop_create` → `loop_open` → wake-ups → `loop_end`, or the end of the environment. The
 * memory of the loop has two owners, the descriptors and the object whose functions carry the loop to
 * JavaScript. The second one that lets go frees it.
 *
 * C writes only into memory that it holds. Each page is referenced for as long as it may be received into,
 * and where a program can detach pages (`checks_pages`), each poll checks a page before it fills it.
 */
#ifndef ASYNCTCP_SOCKET_LOOP_H
#define ASYNCTCP_SOCKET_LOOP_H

#include <stdbool.h>

#include <node_api.h>
#include <uv.h>

#include "sockets.h"

/* `events`, `ends`, `sends`, `arena`, `cursors` and `pathFigures`. */
#define SHARED_BUFFERS 6

struct loop {
  napi_env env;
  /* The function of JavaScript that reads event records. */
  napi_ref dispatch;
  napi_ref buffers[SHARED_BUFFERS];
  napi_ref pages[MAX_PAGES];
  int owners;
  napi_async_cleanup_hook_handle cleanup;
  uv_poll_t watcher;
  /* Runs in each turn of the event loop while there is more that the watcher does not report. */
  uv_idle_t idle;
  /* True if the idle callback ran since the watcher's last callback. */
  bool idle_ran;
  /* True during a wake-up. A program that runs the event loop inside of its callback gets no second one. */
  bool is_awake;
  /* Records that JavaScript refused because a callback was running, dispatched first in the next wake-up. */
  int refused_count;
  struct sockets sockets;
  /* True once the descriptors are being closed. */
  bool is_closing;
};

/* Allocates a loop whose only owner is the caller. Returns NULL if there is no memory. */
struct loop *loop_create(napi_env env);

/* Gives up one ownership, and frees the loop with the last one. */
void loop_disown(struct loop *loop);

/*
 * Opens the descriptors and begins to watch them. The descriptors become an owner. Returns 0 or a refusal,
 * after which the descriptors are closed.
 */
int loop_open(struct loop *loop, const struct shared *shared, bool checks_pages);

/* Closes the descriptors and releases all memory of the engine. */
void loop_end(struct loop *loop);

/* Releases the references to memory and functions of the engine. */
void loop_release(struct loop *loop);

/* Makes the ArrayBuffer the page of this number. Gives the result of `sockets_set_page`. */
napi_status loop_set_page(struct loop *loop, int page, napi_value buffer, int *result);

#endif
