/*
 * The sockets' interface to JavaScript, which src/addon/native-sockets.ts describes: the functions read
 * their arguments, call sockets.h, and return its number, refusals included.
 */
#include "sockets-addon.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "napi-call.h"
#include "refusal.h"
#include "socket-loop.h"

/* Bytes of the longest address that is read, with room to see that one is longer. */
#define MAX_ADDRESS_BYTES (ADDRESS_TEXT_BYTES + 2)

/* ---- arguments and results: a function that returns false leaves an exception pending */

static napi_value integer(napi_env env, int value) {
  napi_value result = NULL;
  TRY(napi_create_int32(env, value, &result));
  return result;
}

/* Reads the first `count` arguments, and the loop that the function carries. */
static bool read_arguments(
    napi_env env, napi_callback_info info, napi_value *arguments, size_t count, struct loop **loop) {
  void *data = NULL;
  TRY_OR(false, napi_get_cb_info(env, info, &count, arguments, NULL, &data));
  *loop = data;
  return true;
}

static bool read_numbers(napi_env env, const napi_value *values, int32_t *numbers, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (napi_get_value_int32(env, values[i], &numbers[i]) != napi_ok) {
      (void)throw_type_error(env, "an argument must be an integer");
      return false;
    }
  }
  return true;
}

#define MAX_NUMBERS 4

/* Reads the arguments of a function that takes only numbers, at most MAX_NUMBERS. */
static bool read_all_numbers(
    napi_env env, napi_callback_info info, int32_t *numbers, size_t count, struct loop **loop) {
  napi_value arguments[MAX_NUMBERS];
  return read_arguments(env, info, arguments, count, loop) && read_numbers(env, arguments, numbers, count);
}

/* Reads the arguments of a function that takes a number and one other value. */
static bool read_number_and_value(
    napi_env env, napi_callback_info info, int32_t *number, napi_value *value, struct loop **loop) {
  napi_value arguments[2];
  if (!read_arguments(env, info, arguments, 2, loop)) return false;
  *value = arguments[1];
  return read_numbers(env, arguments, number, 1);
}

/* Reads an address into `text`. `undefined` gives NULL. */
static bool read_address(napi_env env, napi_value value, char *text, const char **address) {
  napi_valuetype type = napi_undefined;
  size_t bytes = 0;
  *address = NULL;
  TRY_OR(false, napi_typeof(env, value, &type));
  if (type == napi_undefined) return true;
  const napi_status status = napi_get_value_string_utf8(env, value, text, MAX_ADDRESS_BYTES, &bytes);
  if (status != napi_string_expected) TRY_OR(false, status);
  if (status == napi_ok && strlen(text) == bytes) *address = text;
  else (void)throw_type_error(env, "an address must be a string");
  return *address != NULL;
}

/* ---- making sockets */

/* connect(address, localAddress, port, localPort, receiveBuffer, reusePort) */
static napi_value js_connect(napi_env env, napi_callback_info info) {
  napi_value arguments[6];
  struct loop *loop = NULL;
  if (!read_arguments(env, info, arguments, 6, &loop)) return NULL;
  char remote[MAX_ADDRESS_BYTES];
  char local[MAX_ADDRESS_BYTES];
  int32_t numbers[4];
  struct connect_request request = {0};
  if (!read_address(env, arguments[0], remote, &request.address)) return NULL;
  if (!read_address(env, arguments[1], local, &request.local_address)) return NULL;
  if (!read_numbers(env, &arguments[2], numbers, 4)) return NULL;
  if (request.address == NULL) return throw_type_error(env, "address must be a string");
  request.port = (uint16_t)numbers[0];
  request.local_port = (uint16_t)numbers[1];
  request.receive_buffer = numbers[2];
  request.reuse_port = numbers[3] != 0;
  if (loop->is_closing) return integer(env, refusal(CALL_SOCKET, EBADF));
  return integer(env, sockets_connect(&loop->sockets, &request));
}

/* listen(address, port, backlog, sharing, receiveBuffer) */
static napi_value js_listen(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  struct loop *loop = NULL;
  if (!read_arguments(env, info, arguments, 5, &loop)) return NULL;
  char address[MAX_ADDRESS_BYTES];
  int32_t numbers[4];
  struct listen_request request = {0};
  if (!read_address(env, arguments[0], address, &request.address)) return NULL;
  if (!read_numbers(env, &arguments[1], numbers, 4)) return NULL;
  request.port = (uint16_t)numbers[0];
  request.backlog = numbers[1];
  request.sharing = (enum port_sharing)numbers[2];
  request.receive_buffer = numbers[3];
  if (loop->is_closing) return integer(env, refusal(CALL_SOCKET, EBADF));
  return integer(env, sockets_listen(&loop->sockets, &request));
}

/* listenAlso(descriptor) */
static napi_value js_listen_also(napi_env env, napi_callback_info info) {
  struct loop *loop = NULL;
  int32_t descriptor = 0;
  if (!read_all_numbers(env, info, &descriptor, 1, &loop)) return NULL;
  if (loop->is_closing) return integer(env, refusal(CALL_SOCKET, EBADF));
  return integer(env, sockets_listen_also(&loop->sockets, descriptor));
}

/* localEnd(slot): writes into the last entry of `ends`, which no event uses. */
static napi_value js_local_end(napi_env env, napi_callback_info info) {
  struct loop *loop = NULL;
  int32_t slot = 0;
  if (!read_all_numbers(env, info, &slot, 1, &loop)) return NULL;
  if (loop->is_closing) return integer(env, refusal(CALL_GETSOCKNAME, EBADF));
  struct end_text *end = &loop->sockets.shared.ends[MAX_EVENTS].local;
  return integer(env, sockets_local_end(&loop->sockets, slot, end));
}

/* ---- sending */

static napi_value js_flush(napi_env env, napi_callback_info info) {
  struct loop *loop = NULL;
  int32_t count = 0;
  if (!read_all_numbers(env, info, &count, 1, &loop)) return NULL;
  const int most = loop->is_closing ? 0 : MAX_SENDS;
  if (count < 0 || count > most) return throw_type_error(env, "count must be that of send records");
  return integer(env, sockets_flush(&loop->sockets, count));
}

static bool read_piece(napi_env env, napi_value value, struct iovec *piece) {
  napi_typedarray_type type = napi_uint8_array;
  const napi_status status =
      napi_get_typedarray_info(env, value, &type, &piece->iov_len, &piece->iov_base, NULL, NULL);
  if (status == napi_ok && type == napi_uint8_array) return true;
  (void)throw_type_error(env, "a piece must be a Uint8Array");
  return false;
}

/* send(slot, piece) */
static napi_value js_send(napi_env env, napi_callback_info info) {
  struct loop *loop = NULL;
  int32_t slot = 0;
  napi_value value = NULL;
  struct iovec piece = {0};
  if (!read_number_and_value(env, info, &slot, &value, &loop)) return NULL;
  if (!read_piece(env, value, &piece)) return NULL;
  return integer(env, sockets_send(&loop->sockets, slot, &piece, 1));
}

/* sendPieces(slot, pieces): the first MAX_PIECES of them. */
static napi_value js_send_pieces(napi_env env, napi_callback_info info) {
  struct loop *loop = NULL;
  int32_t slot = 0;
  napi_value array = NULL;
  uint32_t length = 0;
  if (!read_number_and_value(env, info, &slot, &array, &loop)) return NULL;
  TRY(napi_get_array_length(env, array, &length));
  struct iovec pieces[MAX_PIECES];
  if (length > MAX_PIECES) length = MAX_PIECES;
  for (uint32_t i = 0; i < length; i++) {
    napi_value value = NULL;
    TRY(napi_get_element(env, array, i, &value));
    if (!read_piece(env, value, &pieces[i])) return NULL;
  }
  return integer(env, sockets_send(&loop->sockets, slot, pieces, length));
}

/* setPage(page, memory): returns the first aligned offset in the memory. */
static napi_value js_set_page(napi_env env, napi_callback_info info) {
  struct loop *loop = NULL;
  int32_t page = 0;
  napi_value buffer = NULL;
  int result = 0;
  if (!read_number_and_value(env, info, &page, &buffer, &loop)) return NULL;
  const napi_status status = loop_set_page(loop, page, buffer, &result);
  if (status == napi_invalid_arg) return throw_type_error(env, "a page must be an ArrayBuffer");
  TRY(status);
  return integer(env, result);
}

/* ---- one socket: functions that take numbers and return one */

#define SLOT_FUNCTION(name, count, call) \
  static napi_value name(napi_env env, napi_callback_info info) { \
    struct loop *loop = NULL; \
    int32_t given[count]; \
    if (!read_all_numbers(env, info, given, count, &loop)) return NULL; \
    return integer(env, call); \
  }

/* Numbers of which the kernel gives all at once, and a function of JavaScript returns one. */
enum figure { FIGURE_STATE, FIGURE_MSS, FIGURE_HEARD_AGO };

static int info_of(struct loop *loop, int slot, enum figure figure) {
  struct connection_info info = {0};
  const int result = sockets_info(&loop->sockets, slot, &info);
  if (result < 0) return result;
  return figure == FIGURE_STATE ? info.state : figure == FIGURE_MSS ? info.mss : info.heard_ago_ms;
}

SLOT_FUNCTION(js_set_queue_size, 1, sockets_set_queue_size(&loop->sockets, given[0]))
SLOT_FUNCTION(js_set_reading, 2, sockets_set_reading(&loop->sockets, given[0], given[1]))
SLOT_FUNCTION(js_set_peeking, 1, sockets_set_peeking(&loop->sockets, given[0]))
SLOT_FUNCTION(js_consume, 2, sockets_consume(&loop->sockets, given[0], given[1]))
SLOT_FUNCTION(js_window, 1, sockets_window(&loop->sockets, given[0]))
SLOT_FUNCTION(js_discard, 1, sockets_discard(&loop->sockets, given[0]))
SLOT_FUNCTION(js_await_fin_ack, 1, sockets_await_fin_ack(&loop->sockets, given[0]))
SLOT_FUNCTION(js_duplicate, 1, sockets_duplicate(&loop->sockets, given[0]))
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
SLOT_FUNCTION(js_path, 1, sockets_path(&loop->sockets, given[0]))
SLOT_FUNCTION(js_waiting, 1, sockets_waiting(&loop->sockets, given[0]))
SLOT_FUNCTION(js_shutdown, 1, sockets_shutdown(&loop->sockets, given[0]))
SLOT_FUNCTION(js_close, 1, sockets_close(&loop->sockets, given[0]))
SLOT_FUNCTION(js_reset, 1, sockets_reset(&loop->sockets, given[0]))
SLOT_FUNCTION(js_leave, 1, sockets_leave(&loop->sockets, given[0]))

/* ---- all sockets */

/* keepProcess(on): with 1 the sockets keep the process alive, with 0 they do not. */
static napi_value js_keep_process(napi_env env, napi_callback_info info) {
  struct loop *loop = NULL;
  int32_t on = 0;
  if (!read_all_numbers(env, info, &on, 1, &loop)) return NULL;
  if (on != 0) uv_ref((uv_handle_t *)&loop->watcher);
  else uv_unref((uv_handle_t *)&loop->watcher);
  return integer(env, 0);
}

/* end(): closes the descriptors and gives the memory back. No event follows. */
static napi_value js_end(napi_env env, napi_callback_info info) {
  struct loop *loop = NULL;
  if (!read_arguments(env, info, NULL, 0, &loop)) return NULL;
  loop_end(loop);
  return integer(env, 0);
}

struct function {
  const char *name;
  napi_callback callback;
};

static const struct function FUNCTIONS[] = {
    {"connect", js_connect},
    {"listen", js_listen},
    {"listenAlso", js_listen_also},
    {"duplicate", js_duplicate},
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
    {"path", js_path},
    {"waiting", js_waiting},
    {"shutdown", js_shutdown},
    {"close", js_close},
    {"reset", js_reset},
    {"leave", js_leave},
    {"setQueueSize", js_set_queue_size},
    {"keepProcess", js_keep_process},
    {"end", js_end},
};

/* Memory that both sides see, referenced until the loop ends. Programs do not get it. */
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
    {"pathFigures", sizeof(struct path_info)},
};

static napi_status add_buffers(napi_env env, napi_value object, struct loop *loop, struct shared *shared) {
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
  shared->path = memory[5];
  return status;
}

static napi_status add_functions(napi_env env, napi_value object, struct loop *loop) {
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

static napi_status add_capability(napi_env env, napi_value object) {
  napi_value can_peek = NULL;
  const napi_status status = napi_get_boolean(env, endpoint_can_peek(), &can_peek);
  return status != napi_ok ? status : napi_set_named_property(env, object, "canPeek", can_peek);
}

static void on_object_freed(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  loop_disown(data);
}

/* Fills the object that JavaScript gets, which becomes the loop's owner. */
static napi_status fill_object(
    napi_env env, napi_value object, napi_value dispatch, struct loop *loop, struct shared *shared) {
  napi_status status = add_buffers(env, object, loop, shared);
  if (status == napi_ok) status = add_functions(env, object, loop);
  if (status == napi_ok) status = add_capability(env, object);
  if (status == napi_ok) status = napi_create_reference(env, dispatch, 1, &loop->dispatch);
  if (status != napi_ok) return status;
  return napi_add_finalizer(env, object, loop, on_object_freed, NULL, NULL);
}

/* openSockets(dispatch, checksPages) */
napi_value js_open_sockets(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  size_t count = 2;
  napi_valuetype type = napi_undefined;
  bool checks_pages = false;
  TRY(napi_get_cb_info(env, info, &count, arguments, NULL, NULL));
  TRY(napi_typeof(env, arguments[0], &type));
  if (type != napi_function) return throw_type_error(env, "dispatch must be a function");
  TRY(napi_get_value_bool(env, arguments[1], &checks_pages));
  napi_value object = NULL;
  TRY(napi_create_object(env, &object));
  struct loop *loop = loop_create(env);
  if (loop == NULL) return throw_refusal(env, refusal(CALL_MALLOC, ENOMEM));
  struct shared shared = {0};
  const napi_status status = fill_object(env, object, arguments[0], loop, &shared);
  if (status != napi_ok) {
    (void)throw_napi_failure(env);
    /* The object is not returned, so no code can call its functions, which carry the loop. */
    loop_release(loop);
    loop_disown(loop);
    return NULL;
  }
  const int result = loop_open(loop, &shared, checks_pages);
  if (result == 0) return object;
  /* Released at once: a program that is out of descriptors may try again and again. */
  loop_release(loop);
  return throw_refusal(env, result);
}
