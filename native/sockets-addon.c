/*
 * Joins sockets.c to the runtime: the epoll descriptor is watched by the environment's own loop, and a
 * wake-up is one call of JavaScript for each poll.
 *
 * Each call of `openSockets` makes one `struct loop`. Its descriptors are closed by `end`, or when its
 * environment ends. The functions that JavaScript gets carry the loop with them: its memory is freed when
 * both the descriptors and the object of functions are gone.
 *
 * C writes only into memory that it holds: each page is referenced for as long as it may be received into,
 * and where a program can detach one (`checksPages`), it is asked in each poll if it still is.
 */
#include "sockets-addon.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <uv.h>

#include "napi-call.h"
#include "refusal.h"
#include "sockets.h"

/* The longest address that is read, with room to see that one is longer. */
#define MAX_ADDRESS_BYTES (ADDRESS_TEXT_BYTES + 2)

/* `events`, `ends`, `sends`, `arena` and `cursors`. */
#define SHARED_BUFFERS 5

struct loop {
  napi_env env;
  napi_ref dispatch;
  napi_ref buffers[SHARED_BUFFERS];
  napi_ref pages[MAX_PAGES];
  /* The descriptors, and the object of functions. */
  int owners;
  napi_async_cleanup_hook_handle cleanup;
  uv_poll_t watcher;
  /* Has the next turn of the loop go on, while there is more that the watcher does not tell of. */
  uv_idle_t rest;
  bool had_rest;
  /* A wake-up runs. A program that runs the loop inside of its callback has no second one. */
  bool is_awake;
  /* Records that JavaScript did not take, because a callback was running: they are told first. */
  int untold;
  struct sockets sockets;
  bool is_closing;
};

static void disown(struct loop *loop) {
  if (--loop->owners == 0) free(loop);
}

/* ---- pages */

/* True if the page's memory is not detached. */
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

/* ---- the wake-up */

/* What JavaScript threw is uncaught, as in every callback of a runtime. Whether it threw. */
static bool was_thrown(napi_env env, napi_status status) {
  if (status != napi_pending_exception) return false;
  napi_value error = NULL;
  if (napi_get_and_clear_last_exception(env, &error) != napi_ok) return false;
  return napi_fatal_exception(env, error) == napi_ok;
}

/* Returns true if JavaScript refused the records: it answers so while a callback runs. */
static bool was_refused(napi_env env, napi_status status, napi_value answer) {
  bool is_refused = false;
  if (status != napi_ok || answer == NULL) return false;
  return napi_get_value_bool(env, answer, &is_refused) == napi_ok && is_refused;
}

/*
 * Gives the records of one poll to JavaScript. False: it cannot run any more, or not now. Slots that are closed
 * before it has read them are not used again.
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
  sockets_enter(&loop->sockets);
  const int most = count > 0 ? count : 0;
  for (int i = 0; status == napi_ok && i <= most; i++) {
    /* In no asynchronous context: that of the first user would be everybody's. It asks for no receiver. */
    status = napi_make_callback(env, NULL, function, function, 1, &argument, &answer);
    if (was_refused(env, status, answer)) {
      loop->untold = count;
      (void)napi_close_handle_scope(env, scope);
      return false;
    }
    if (!was_thrown(env, status)) break;
    /*
     * It may have been a tick that threw, when all records were read, or a record, which costs itself. With 0
     * the function goes on with what is left of them.
     */
    status = napi_create_int32(env, 0, &argument);
  }
  sockets_leave(&loop->sockets);
  return napi_close_handle_scope(env, scope) == napi_ok && status == napi_ok && !loop->is_closing;
}

static void on_rest(uv_idle_t *rest);

/* Returns true if the next turn of the loop has to go on. */
static bool tell_and_poll(struct loop *loop) {
  const int untold = loop->untold;
  loop->untold = 0;
  const bool can_go_on = untold == 0 || dispatch(loop, untold);
  const bool has_more = can_go_on && sockets_wake_up(&loop->sockets, dispatch, loop);
  return has_more || loop->untold != 0;
}

static void wake_up(struct loop *loop) {
  if (loop->is_closing || loop->is_awake) return;
  loop->is_awake = true;
  const bool has_more = tell_and_poll(loop);
  loop->is_awake = false;
  if (loop->is_closing) return;
  /* Neither fails. */
  if (has_more) (void)uv_idle_start(&loop->rest, on_rest);
  else (void)uv_idle_stop(&loop->rest);
}

static void on_rest(uv_idle_t *rest) {
  struct loop *loop = rest->data;
  loop->had_rest = true;
  wake_up(loop);
}

static void on_wake_up(uv_poll_t *watcher, int status, int events) {
  struct loop *loop = watcher->data;
  (void)status; /* A descriptor of our own that cannot be polled is found out by epoll_wait. */
  (void)events;
  /*
   * A turn of the loop has one wake-up, and that of a rest comes first. Where it did not come in this turn but
   * before, this is told of again at once.
   */
  if (!loop->had_rest) wake_up(loop);
  loop->had_rest = false;
}

/* ---- arguments and results */

static napi_value integer(napi_env env, int value) {
  napi_value result = NULL;
  TRY(napi_create_int32(env, value, &result));
  return result;
}

/* False: an exception is pending. */
static bool read_numbers(napi_env env, const napi_value *values, int32_t *numbers, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (napi_get_value_int32(env, values[i], &numbers[i]) != napi_ok) {
      (void)wrong_type(env, "an argument must be an integer");
      return false;
    }
  }
  return true;
}

/* The first `count` arguments as integers. False: an exception is pending. */
static bool read_integers(
    napi_env env, napi_callback_info info, int32_t *values, size_t count, struct loop **loop) {
  napi_value arguments[4];
  size_t given = count;
  void *data = NULL;
  if (napi_get_cb_info(env, info, &given, arguments, NULL, &data) != napi_ok) {
    (void)refused(env);
    return false;
  }
  *loop = data;
  return read_numbers(env, arguments, values, count);
}

/* An address, or NULL for `undefined`. False: an exception is pending. */
static bool read_address(napi_env env, napi_value value, char *text, const char **address) {
  napi_valuetype type = napi_undefined;
  size_t bytes = 0;
  *address = NULL;
  if (napi_typeof(env, value, &type) != napi_ok) return (void)refused(env), false;
  if (type == napi_undefined) return true;
  const napi_status status = napi_get_value_string_utf8(env, value, text, MAX_ADDRESS_BYTES, &bytes);
  if (status == napi_ok && strlen(text) == bytes) {
    *address = text;
    return true;
  }
  if (status != napi_ok && status != napi_string_expected) (void)refused(env);
  else (void)wrong_type(env, "an address must be a string");
  return false;
}

/* ---- making sockets */

/* connect(address, localAddress, port, localPort, receiveBuffer, reusePort) */
static napi_value js_connect(napi_env env, napi_callback_info info) {
  napi_value arguments[6];
  size_t count = 6;
  void *data = NULL;
  TRY(napi_get_cb_info(env, info, &count, arguments, NULL, &data));
  struct loop *loop = data;
  char remote[MAX_ADDRESS_BYTES];
  char local[MAX_ADDRESS_BYTES];
  int32_t numbers[4];
  struct connect_request request = {0};
  if (!read_address(env, arguments[0], remote, &request.address)) return NULL;
  if (!read_address(env, arguments[1], local, &request.local_address)) return NULL;
  if (!read_numbers(env, &arguments[2], numbers, 4)) return NULL;
  if (request.address == NULL) return wrong_type(env, "address must be a string");
  request.port = (uint16_t)numbers[0];
  request.local_port = (uint16_t)numbers[1];
  request.receive_buffer = numbers[2];
  request.reuse_port = numbers[3] != 0;
  if (loop->is_closing) return integer(env, refusal(CALL_SOCKET, EBADF));
  return integer(env, sockets_connect(&loop->sockets, &request));
}

/* listen(address, port, backlog, reusePort, receiveBuffer) */
static napi_value js_listen(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  size_t count = 5;
  void *data = NULL;
  TRY(napi_get_cb_info(env, info, &count, arguments, NULL, &data));
  struct loop *loop = data;
  char address[MAX_ADDRESS_BYTES];
  int32_t numbers[4];
  struct listen_request request = {0};
  if (!read_address(env, arguments[0], address, &request.address)) return NULL;
  if (!read_numbers(env, &arguments[1], numbers, 4)) return NULL;
  request.port = (uint16_t)numbers[0];
  request.backlog = numbers[1];
  request.reuse_port = numbers[2] != 0;
  request.receive_buffer = numbers[3];
  if (loop->is_closing) return integer(env, refusal(CALL_SOCKET, EBADF));
  return integer(env, sockets_listen(&loop->sockets, &request));
}

/* localEnd(slot): into the last entry of `ends`, which no event uses. */
static napi_value js_local_end(napi_env env, napi_callback_info info) {
  struct loop *loop = NULL;
  int32_t slot = 0;
  if (!read_integers(env, info, &slot, 1, &loop)) return NULL;
  if (loop->is_closing) return integer(env, refusal(CALL_GETSOCKNAME, EBADF));
  struct end_text *end = &loop->sockets.shared.ends[MAX_EVENTS].local;
  return integer(env, sockets_local_end(&loop->sockets, slot, end));
}

/* ---- sending */

static napi_value js_flush(napi_env env, napi_callback_info info) {
  struct loop *loop = NULL;
  int32_t count = 0;
  if (!read_integers(env, info, &count, 1, &loop)) return NULL;
  const int most = loop->is_closing ? 0 : MAX_SENDS;
  if (count < 0 || count > most) return wrong_type(env, "count must be that of send records");
  return integer(env, sockets_flush(&loop->sockets, count));
}

static const char NO_PIECE[] = "a piece must be a Uint8Array";

static napi_status read_piece(napi_env env, napi_value value, struct iovec *piece) {
  napi_typedarray_type type = napi_uint8_array;
  napi_status status =
      napi_get_typedarray_info(env, value, &type, &piece->iov_len, &piece->iov_base, NULL, NULL);
  return status == napi_ok && type != napi_uint8_array ? napi_invalid_arg : status;
}

/* send(slot, piece) */
static napi_value js_send(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  size_t count = 2;
  void *data = NULL;
  TRY(napi_get_cb_info(env, info, &count, arguments, NULL, &data));
  struct loop *loop = data;
  int32_t slot = 0;
  struct iovec piece = {0};
  TRY(napi_get_value_int32(env, arguments[0], &slot));
  if (read_piece(env, arguments[1], &piece) != napi_ok) return wrong_type(env, NO_PIECE);
  return integer(env, sockets_send(&loop->sockets, slot, &piece, 1));
}

/* sendPieces(slot, pieces): the first MAX_PIECES of them. */
static napi_value js_send_pieces(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  size_t count = 2;
  void *data = NULL;
  TRY(napi_get_cb_info(env, info, &count, arguments, NULL, &data));
  struct loop *loop = data;
  int32_t slot = 0;
  uint32_t length = 0;
  TRY(napi_get_value_int32(env, arguments[0], &slot));
  TRY(napi_get_array_length(env, arguments[1], &length));
  struct iovec pieces[MAX_PIECES];
  if (length > MAX_PIECES) length = MAX_PIECES;
  for (uint32_t i = 0; i < length; i++) {
    napi_value piece = NULL;
    TRY(napi_get_element(env, arguments[1], i, &piece));
    if (read_piece(env, piece, &pieces[i]) != napi_ok) return wrong_type(env, NO_PIECE);
  }
  return integer(env, sockets_send(&loop->sockets, slot, pieces, length));
}

/* setPage(page, memory): gives the first aligned place of the memory. */
static napi_value js_set_page(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  size_t count = 2;
  void *data = NULL;
  TRY(napi_get_cb_info(env, info, &count, arguments, NULL, &data));
  struct loop *loop = data;
  int32_t page = 0;
  void *memory = NULL;
  size_t bytes = 0;
  TRY(napi_get_value_int32(env, arguments[0], &page));
  if (napi_get_arraybuffer_info(env, arguments[1], &memory, &bytes) != napi_ok) {
    return wrong_type(env, "a page must be an ArrayBuffer");
  }
  /* It would be held for ever. */
  if (loop->is_closing) return integer(env, refusal(CALL_READ, EBADF));
  const int begin = sockets_set_page(&loop->sockets, page, memory, bytes);
  if (begin < 0) return integer(env, begin);
  napi_ref former = loop->pages[page];
  loop->pages[page] = NULL;
  if (former != NULL) TRY(napi_delete_reference(env, former));
  const napi_status status = napi_create_reference(env, arguments[1], 1, &loop->pages[page]);
  /* Memory that nobody holds is not received into. */
  if (status != napi_ok) loop->sockets.pages[page].memory = NULL;
  TRY(status);
  return integer(env, begin);
}

/* ---- one socket: what takes integers and gives one */

#define SLOT_FUNCTION(name, count, call) \
  static napi_value name(napi_env env, napi_callback_info info) { \
    struct loop *loop = NULL; \
    int32_t given[count]; \
    if (!read_integers(env, info, given, count, &loop)) return NULL; \
    return integer(env, call); \
  }

/* The figures that the kernel gives together. */
enum figure { FIGURE_STATE, FIGURE_MSS, FIGURE_HEARD_AGO };

static int info_of(struct loop *loop, int slot, enum figure figure) {
  struct connection_info info = {0};
  const int result = sockets_info(&loop->sockets, slot, &info);
  if (result != 0) return result;
  return figure == FIGURE_STATE ? info.state : figure == FIGURE_MSS ? info.mss : info.heard_ago_ms;
}

SLOT_FUNCTION(js_set_queue_size, 1, sockets_set_queue_size(&loop->sockets, given[0]))
SLOT_FUNCTION(js_set_reading, 2, sockets_set_reading(&loop->sockets, given[0], given[1]))
SLOT_FUNCTION(js_set_peeking, 1, sockets_set_peeking(&loop->sockets, given[0]))
SLOT_FUNCTION(js_consume, 2, sockets_consume(&loop->sockets, given[0], given[1]))
SLOT_FUNCTION(js_window, 1, sockets_window(&loop->sockets, given[0]))
SLOT_FUNCTION(js_discard, 1, sockets_discard(&loop->sockets, given[0]))
SLOT_FUNCTION(js_await_fin_ack, 1, sockets_await_fin_ack(&loop->sockets, given[0]))
SLOT_FUNCTION(js_resume, 1, sockets_resume(&loop->sockets, given[0]))
SLOT_FUNCTION(js_report_acks, 2, sockets_report_acks(&loop->sockets, given[0], given[1] != 0))
SLOT_FUNCTION(js_acked, 1, sockets_acked(&loop->sockets, given[0]))
SLOT_FUNCTION(
    js_no_delay, 2, sockets_option(&loop->sockets, given[0], IPPROTO_TCP, TCP_NODELAY, given[1] != 0))
SLOT_FUNCTION(
    js_keep_alive, 4, sockets_keep_alive(&loop->sockets, given[0], given[1], given[2], given[3]))
SLOT_FUNCTION(js_state, 1, info_of(loop, given[0], FIGURE_STATE))
SLOT_FUNCTION(js_mss, 1, info_of(loop, given[0], FIGURE_MSS))
SLOT_FUNCTION(js_heard_ago, 1, info_of(loop, given[0], FIGURE_HEARD_AGO))
SLOT_FUNCTION(js_shutdown, 1, sockets_shutdown(&loop->sockets, given[0]))
SLOT_FUNCTION(js_close, 1, sockets_close(&loop->sockets, given[0]))
SLOT_FUNCTION(js_reset, 1, sockets_reset(&loop->sockets, given[0]))

/* ---- the loop */

/* keepProcess(on): whether the sockets keep the process alive. */
static napi_value js_keep_process(napi_env env, napi_callback_info info) {
  struct loop *loop = NULL;
  int32_t on = 0;
  if (!read_integers(env, info, &on, 1, &loop)) return NULL;
  if (on != 0) uv_ref((uv_handle_t *)&loop->watcher);
  else uv_unref((uv_handle_t *)&loop->watcher);
  return integer(env, 0);
}

static void on_closed(uv_handle_t *handle) {
  struct loop *loop = handle->data;
  sockets_close_all(&loop->sockets);
  /* Nothing is left to be told when the environment refuses that. */
  if (loop->cleanup != NULL) (void)napi_remove_async_cleanup_hook(loop->cleanup);
  disown(loop);
}

static void on_watcher_closed(uv_handle_t *handle) {
  struct loop *loop = handle->data;
  uv_close((uv_handle_t *)&loop->rest, on_closed);
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

static void release(napi_env env, napi_ref *reference) {
  /* An environment that refuses is about to free everything itself. */
  if (*reference != NULL) (void)napi_delete_reference(env, *reference);
  *reference = NULL;
}

/* Gives back what the loop holds of the engine's. */
static void release_all(napi_env env, struct loop *loop) {
  for (int i = 0; i < MAX_PAGES; i++) release(env, &loop->pages[i]);
  for (int i = 0; i < SHARED_BUFFERS; i++) release(env, &loop->buffers[i]);
  release(env, &loop->dispatch);
}

/* end(): closes the descriptors and gives the memory back. Nothing is told any more. */
static napi_value js_end(napi_env env, napi_callback_info info) {
  void *data = NULL;
  TRY(napi_get_cb_info(env, info, NULL, NULL, NULL, &data));
  struct loop *loop = data;
  if (!loop->is_closing) {
    close_loop(loop);
    sockets_forget_memory(&loop->sockets);
    release_all(env, loop);
  }
  return integer(env, 0);
}

static void on_object_freed(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  disown(data);
}

struct function {
  const char *name;
  napi_callback callback;
};

static const struct function FUNCTIONS[] = {
    {"connect", js_connect},
    {"listen", js_listen},
    {"localEnd", js_local_end},
    {"flush", js_flush},
    {"send", js_send},
    {"sendPieces", js_send_pieces},
    {"setPage", js_set_page},
    {"setReading", js_set_reading},
    {"setPeeking", js_set_peeking},
    {"consume", js_consume},
    {"window", js_window},
    {"discard", js_discard},
    {"awaitFinAck", js_await_fin_ack},
    {"resume", js_resume},
    {"reportAcks", js_report_acks},
    {"acked", js_acked},
    {"noDelay", js_no_delay},
    {"keepAlive", js_keep_alive},
    {"state", js_state},
    {"mss", js_mss},
    {"heardAgo", js_heard_ago},
    {"shutdown", js_shutdown},
    {"close", js_close},
    {"reset", js_reset},
    {"setQueueSize", js_set_queue_size},
    {"keepProcess", js_keep_process},
    {"end", js_end},
};

/* Memory that both sides see, kept alive until the loop is closed. It is not given to programs. */
struct shared_buffer {
  const char *name;
  size_t bytes;
};

static const struct shared_buffer BUFFERS[SHARED_BUFFERS] = {
    {"events", MAX_EVENTS * sizeof(struct event)},
    {"ends", (MAX_EVENTS + 1) * sizeof(struct ends)},
    {"sends", MAX_SENDS * sizeof(struct send)},
    {"arena", ARENA_BYTES},
    {"cursors", MAX_PAGES * sizeof(int32_t)},
};

static napi_status share_all(napi_env env, napi_value object, struct loop *loop, struct shared *shared) {
  void *memory[SHARED_BUFFERS] = {NULL};
  napi_status status = napi_ok;
  for (int i = 0; status == napi_ok && i < SHARED_BUFFERS; i++) {
    napi_value buffer = NULL;
    status = napi_create_arraybuffer(env, BUFFERS[i].bytes, &memory[i], &buffer);
    if (status == napi_ok) status = napi_create_reference(env, buffer, 1, &loop->buffers[i]);
    if (status == napi_ok) status = napi_set_named_property(env, object, BUFFERS[i].name, buffer);
  }
  shared->events = memory[0];
  shared->ends = memory[1];
  shared->sends = memory[2];
  shared->arena = memory[3];
  shared->cursors = memory[4];
  return status;
}

static napi_status offer_functions(napi_env env, napi_value object, struct loop *loop) {
  napi_property_descriptor descriptors[sizeof FUNCTIONS / sizeof FUNCTIONS[0]];
  memset(descriptors, 0, sizeof descriptors);
  for (size_t i = 0; i < sizeof FUNCTIONS / sizeof FUNCTIONS[0]; i++) {
    descriptors[i].utf8name = FUNCTIONS[i].name;
    descriptors[i].method = FUNCTIONS[i].callback;
    descriptors[i].attributes = napi_enumerable;
    descriptors[i].data = loop;
  }
  return napi_define_properties(env, object, sizeof descriptors / sizeof descriptors[0], descriptors);
}

static napi_status offer_capability(napi_env env, napi_value object) {
  napi_value can_peek = NULL;
  const napi_status status = napi_get_boolean(env, endpoint_can_peek(), &can_peek);
  return status != napi_ok ? status : napi_set_named_property(env, object, "canPeek", can_peek);
}

/* Everything of the loop that Node-API gives. */
static napi_status set_up(napi_env env, napi_value function, napi_value object, struct loop *loop) {
  struct shared shared;
  napi_status status = share_all(env, object, loop, &shared);
  loop->sockets.shared = shared;
  if (status == napi_ok) status = offer_functions(env, object, loop);
  if (status == napi_ok) status = offer_capability(env, object);
  if (status == napi_ok) status = napi_create_reference(env, function, 1, &loop->dispatch);
  return status;
}

/* Opens the descriptors and begins to watch. 0, or a refusal, for which the descriptors are given up. */
static int begin(napi_env env, struct loop *loop) {
  const struct shared shared = loop->sockets.shared;
  uv_loop_t *uv = NULL;
  int result = napi_get_uv_event_loop(env, &uv) == napi_ok ? 0 : refusal(CALL_EPOLL, ENOSYS);
  if (result == 0) result = sockets_open(&loop->sockets, &shared);
  if (result != 0) {
    disown(loop);
    return result;
  }
  int error = uv_poll_init(uv, &loop->watcher, loop->sockets.epoll);
  if (error != 0) {
    sockets_close_all(&loop->sockets);
    disown(loop);
    return refusal(CALL_EPOLL, -error);
  }
  loop->watcher.data = loop;
  uv_unref((uv_handle_t *)&loop->watcher);
  (void)uv_idle_init(uv, &loop->rest); /* It does not fail. */
  loop->rest.data = loop;
  uv_unref((uv_handle_t *)&loop->rest);
  error = uv_poll_start(&loop->watcher, UV_READABLE, on_wake_up);
  const bool is_hooked =
      error == 0 && napi_add_async_cleanup_hook(env, on_environment_end, loop, &loop->cleanup) == napi_ok;
  if (is_hooked) return 0;
  /* The watcher is libuv's until it has been closed; that frees the loop. */
  close_loop(loop);
  return refusal(CALL_EPOLL, error == 0 ? ENOMEM : -error);
}

/* openSockets(dispatch, checksPages) */
napi_value js_open_sockets(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  size_t count = 2;
  napi_valuetype type = napi_undefined;
  bool checks_pages = false;
  TRY(napi_get_cb_info(env, info, &count, arguments, NULL, NULL));
  TRY(napi_typeof(env, arguments[0], &type));
  if (type != napi_function) return wrong_type(env, "dispatch must be a function");
  TRY(napi_get_value_bool(env, arguments[1], &checks_pages));
  napi_value object = NULL;
  TRY(napi_create_object(env, &object));
  struct loop *loop = calloc(1, sizeof *loop);
  if (loop == NULL) return throw_outcome(env, failed(ENOMEM, "malloc"));
  loop->env = env;
  loop->owners = 1;
  if (set_up(env, arguments[0], object, loop) != napi_ok ||
      napi_add_finalizer(env, object, loop, on_object_freed, NULL, NULL) != napi_ok) {
    /* Its functions can be called by nobody. */
    release_all(env, loop);
    free(loop);
    return refused(env);
  }
  loop->owners++;
  const int result = begin(env, loop);
  if (result != 0) {
    /* Out of descriptors it is tried again and again: each time the memory is given back. */
    release_all(env, loop);
    return throw_outcome(env, failed(-result % 4096, "epoll"));
  }
  loop->sockets.check_page = checks_pages ? check_page : NULL;
  loop->sockets.check_context = loop;
  return object;
}
