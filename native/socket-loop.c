#include "socket-loop.h"

#include <errno.h>
#include <stdlib.h>

#include "napi-call.h"
#include "refusal.h"

struct loop *loop_create(napi_env env) {
  struct loop *loop = calloc(1, sizeof *loop);
  if (loop == NULL) return NULL;
  loop->env = env;
  loop->owners = 1;
  return loop;
}

void loop_disown(struct loop *loop) {
  if (--loop->owners == 0) free(loop);
}

/* ---- memory of the engine */

/* Returns true if the page's memory is not detached. */
static bool check_page(void *context, int page) {
  struct loop *loop = context;
  napi_env env = loop->env;
  napi_handle_scope scope = NULL;
  napi_value buffer = NULL;
  bool is_detached = true;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return false;
  if (napi_get_reference_value(env, loop->pages[page], &buffer) == napi_ok && buffer != NULL) {
    if (napi_is_detached_arraybuffer(env, buffer, &is_detached) != napi_ok) is_detached = true;
  }
  return napi_close_handle_scope(env, scope) == napi_ok && !is_detached;
}

napi_status loop_set_page(struct loop *loop, int page, napi_value buffer, int *result) {
  void *memory = NULL;
  size_t bytes = 0;
  napi_status status = napi_get_arraybuffer_info(loop->env, buffer, &memory, &bytes);
  if (status != napi_ok) return status;
  /* A loop that is closing would hold the page for ever. */
  *result = loop->is_closing ? refusal(CALL_READ, EBADF)
                             : sockets_set_page(&loop->sockets, page, memory, bytes);
  if (*result < 0) return napi_ok;
  napi_ref former = loop->pages[page];
  loop->pages[page] = NULL;
  status = former == NULL ? napi_ok : napi_delete_reference(loop->env, former);
  if (status == napi_ok) status = napi_create_reference(loop->env, buffer, 1, &loop->pages[page]);
  /* Memory without a reference is not received into. */
  if (status != napi_ok) loop->sockets.pages[page].memory = NULL;
  return status;
}

static void release(napi_env env, napi_ref *reference) {
  /* Fails only in an environment that is about to free all references itself. */
  if (*reference != NULL) (void)napi_delete_reference(env, *reference);
  *reference = NULL;
}

void loop_release(struct loop *loop) {
  for (int i = 0; i < MAX_PAGES; i++) release(loop->env, &loop->pages[i]);
  for (int i = 0; i < SHARED_BUFFERS; i++) release(loop->env, &loop->buffers[i]);
  release(loop->env, &loop->dispatch);
}

/* ---- wake-ups */

/* Returns true if JavaScript refused the records, which it does while a callback is running. */
static bool is_refused(napi_env env, napi_status status, napi_value answer) {
  bool is_true = false;
  if (status != napi_ok || answer == NULL) return false;
  return napi_get_value_bool(env, answer, &is_true) == napi_ok && is_true;
}

/*
 * Gives the records of one poll to JavaScript; a `count` of -1 says that a page is gone. Returns false if
 * JavaScript cannot run any more, or refuses the records for now.
 */
static bool dispatch(void *context, int count) {
  struct loop *loop = context;
  napi_env env = loop->env;
  napi_handle_scope scope = NULL;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return false;
  napi_value function = NULL;
  napi_value argument = NULL;
  napi_value answer = NULL;
  napi_status status = napi_get_reference_value(env, loop->dispatch, &function);
  if (status == napi_ok) status = napi_create_int32(env, count, &argument);
  sockets_begin_dispatch(&loop->sockets);
  const int most = count > 0 ? count : 0;
  for (int i = 0; status == napi_ok && i <= most; i++) {
    /* Without an asynchronous context: that of the first user would be passed to all others. */
    status = napi_make_callback(env, NULL, function, function, 1, &argument, &answer);
    if (is_refused(env, status, answer)) {
      loop->refused_count = count;
      (void)napi_close_handle_scope(env, scope); /* The records are refused in any case. */
      return false;
    }
    if (!raise_uncaught(env, status)) break;
    /*
     * The exception came from a record, which counts as read, or from a tick after the last record. With 0
     * the function continues with the records that are left.
     */
    status = napi_create_int32(env, 0, &argument);
  }
  sockets_end_dispatch(&loop->sockets);
  return napi_close_handle_scope(env, scope) == napi_ok && status == napi_ok && !loop->is_closing;
}

static void on_idle(uv_idle_t *idle);

/* Returns true if the next turn of the event loop has to continue. */
static bool dispatch_and_poll(struct loop *loop) {
  const int refused_count = loop->refused_count;
  loop->refused_count = 0;
  const bool can_go_on = refused_count == 0 || dispatch(loop, refused_count);
  const bool has_more = can_go_on && sockets_wake_up(&loop->sockets, dispatch, loop);
  return has_more || loop->refused_count != 0;
}

static void wake_up(struct loop *loop) {
  if (loop->is_closing || loop->is_awake) return;
  loop->is_awake = true;
  const bool has_more = dispatch_and_poll(loop);
  loop->is_awake = false;
  if (loop->is_closing) return;
  /* Neither call can fail. */
  if (has_more) (void)uv_idle_start(&loop->idle, on_idle);
  else (void)uv_idle_stop(&loop->idle);
}

static void on_idle(uv_idle_t *idle) {
  struct loop *loop = idle->data;
  loop->idle_ran = true;
  wake_up(loop);
}

static void on_ready(uv_poll_t *watcher, int status, int events) {
  struct loop *loop = watcher->data;
  (void)status; /* If the descriptor cannot be polled, epoll_wait finds that out. */
  (void)events;
  /*
   * The idle callback already ran in this turn: skip. If it ran in an earlier turn, libuv reports the
   * descriptor again in the next one.
   */
  if (!loop->idle_ran) wake_up(loop);
  loop->idle_ran = false;
}

/* ---- opening and closing */

static void on_closed(uv_handle_t *handle) {
  struct loop *loop = handle->data;
  sockets_close_all(&loop->sockets);
  /* Fails only in an environment that has ended. */
  if (loop->cleanup != NULL) (void)napi_remove_async_cleanup_hook(loop->cleanup);
  loop_disown(loop);
}

static void on_watcher_closed(uv_handle_t *handle) {
  struct loop *loop = handle->data;
  uv_close((uv_handle_t *)&loop->idle, on_closed);
}

static void close_loop(struct loop *loop) {
  if (loop->is_closing) return;
  loop->is_closing = true;
  uv_close((uv_handle_t *)&loop->watcher, on_watcher_closed);
}

static void on_environment_end(napi_async_cleanup_hook_handle cleanup, void *data) {
  (void)cleanup;
  close_loop(data);
}

void loop_end(struct loop *loop) {
  if (loop->is_closing) return;
  close_loop(loop);
  sockets_forget_memory(&loop->sockets);
  loop_release(loop);
}

int loop_open(struct loop *loop, const struct shared *shared, bool checks_pages) {
  uv_loop_t *uv = NULL;
  if (napi_get_uv_event_loop(loop->env, &uv) != napi_ok) return refusal(CALL_EPOLL_OPEN, ENOSYS);
  const int result = sockets_open(&loop->sockets, shared);
  if (result < 0) return result;
  loop->sockets.check_page = checks_pages ? check_page : NULL;
  loop->sockets.check_context = loop;
  int error = uv_poll_init(uv, &loop->watcher, loop->sockets.epoll);
  if (error != 0) {
    sockets_close_all(&loop->sockets);
    return refusal(CALL_EPOLL_OPEN, -error);
  }
  loop->owners++;
  loop->watcher.data = loop;
  uv_unref((uv_handle_t *)&loop->watcher);
  (void)uv_idle_init(uv, &loop->idle); /* Cannot fail. */
  loop->idle.data = loop;
  uv_unref((uv_handle_t *)&loop->idle);
  error = uv_poll_start(&loop->watcher, UV_READABLE, on_ready);
  const bool is_hooked = error == 0 && napi_add_async_cleanup_hook(loop->env, on_environment_end, loop,
                                                                  &loop->cleanup) == napi_ok;
  if (is_hooked) return 0;
  /* libuv owns the handles until their callbacks, which give up the ownership of the descriptors. */
  close_loop(loop);
  return refusal(CALL_EPOLL_OPEN, error == 0 ? ENOMEM : -error);
}
