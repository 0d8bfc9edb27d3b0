#include "tunnel-loop.h"

#include <errno.h>
#include <stdlib.h>

#include "napi-call.h"
#include "refusal.h"

struct tunnel_loop *tunnel_loop_create(napi_env env) {
  struct tunnel_loop *loop = calloc(1, sizeof *loop);
  if (loop == NULL) return NULL;
  loop->env = env;
  loop->owners = 1;
  return loop;
}

void tunnel_loop_disown(struct tunnel_loop *loop) {
  if (--loop->owners == 0) free(loop);
}

static void release(napi_env env, napi_ref *reference) {
  /* Fails only in an environment that is about to free all references itself. */
  if (*reference != NULL) (void)napi_delete_reference(env, *reference);
  *reference = NULL;
}

void tunnel_loop_release(struct tunnel_loop *loop) {
  for (int i = 0; i < TUNNEL_BUFFERS; i++) release(loop->env, &loop->buffers[i]);
  release(loop->env, &loop->dispatch);
}

/* ---- batches */

/* Gives the number of received packets, or the refusal that ends the tunnel, to JavaScript. */
static void dispatch(struct tunnel_loop *loop, int count) {
  napi_env env = loop->env;
  napi_handle_scope scope = NULL;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value function = NULL;
  napi_value argument = NULL;
  napi_status status = napi_get_reference_value(env, loop->dispatch, &function);
  if (status == napi_ok) status = napi_create_int32(env, count, &argument);
  /* Without an asynchronous context: that of the first user would be passed to all others. */
  if (status == napi_ok) status = napi_make_callback(env, NULL, function, function, 1, &argument, NULL);
  (void)raise_uncaught(env, status);
  /* Fails only in an environment that has ended. */
  (void)napi_close_handle_scope(env, scope);
}

static void on_ready(uv_poll_t *watcher, int status, int events) {
  struct tunnel_loop *loop = watcher->data;
  (void)status; /* If the descriptor cannot be polled, reading finds out why. */
  (void)events;
  if (loop->is_closing || loop->is_dispatching) return;
  const int count = tunnel_receive(&loop->tunnel, &loop->received);
  if (count == 0) return;
  /* A tunnel that failed would be reported in every turn. Cannot fail. */
  if (count < 0) (void)uv_poll_stop(&loop->watcher);
  loop->is_dispatching = true;
  dispatch(loop, count);
  loop->is_dispatching = false;
}

/* ---- opening and closing */

static void on_closed(uv_handle_t *handle) {
  struct tunnel_loop *loop = handle->data;
  (void)tunnel_close(&loop->tunnel); /* No caller is left that a refusal could help. */
  /* Fails only in an environment that has ended. */
  if (loop->cleanup != NULL) (void)napi_remove_async_cleanup_hook(loop->cleanup);
  tunnel_loop_disown(loop);
}

static void close_loop(struct tunnel_loop *loop) {
  if (loop->is_closing) return;
  loop->is_closing = true;
  uv_close((uv_handle_t *)&loop->watcher, on_closed);
}

static void on_environment_end(napi_async_cleanup_hook_handle cleanup, void *data) {
  (void)cleanup;
  close_loop(data);
}

void tunnel_loop_end(struct tunnel_loop *loop) {
  if (loop->is_closing) return;
  close_loop(loop);
  tunnel_loop_release(loop);
}

int tunnel_loop_open(struct tunnel_loop *loop) {
  uv_loop_t *uv = NULL;
  int error = napi_get_uv_event_loop(loop->env, &uv) == napi_ok ? 0 : UV_ENOSYS;
  if (error == 0) error = uv_poll_init(uv, &loop->watcher, loop->tunnel.fd);
  if (error != 0) {
    (void)tunnel_close(&loop->tunnel); /* The reason is the first refusal. */
    return refusal(CALL_EPOLL_OPEN, -error);
  }
  loop->owners++;
  loop->watcher.data = loop;
  uv_unref((uv_handle_t *)&loop->watcher);
  error = uv_poll_start(&loop->watcher, UV_READABLE, on_ready);
  const bool is_hooked = error == 0 && napi_add_async_cleanup_hook(loop->env, on_environment_end, loop,
                                                                  &loop->cleanup) == napi_ok;
  if (is_hooked) return 0;
  /* libuv owns the handle until its callback, which gives up the ownership of the descriptor. */
  close_loop(loop);
  return refusal(CALL_EPOLL_OPEN, error == 0 ? ENOMEM : -error);
}
