#include "tunnel-addon.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "napi-call.h"
#include "refusal.h"
#include "tunnel-loop.h"

/* Reads the first argument, and the loop that the function carries. */
static bool read_number(
    napi_env env, napi_callback_info info, const char *message, int32_t *number, struct tunnel_loop **loop) {
  napi_value argument = NULL;
  size_t count = 1;
  void *data = NULL;
  TRY_OR(false, napi_get_cb_info(env, info, &count, &argument, NULL, &data));
  *loop = data;
  if (napi_get_value_int32(env, argument, number) == napi_ok) return true;
  (void)throw_type_error(env, message);
  return false;
}

/* send(count): returns the number of packets that the kernel refused. */
static napi_value js_send(napi_env env, napi_callback_info info) {
  static const char message[] = "count must be that of packets in a batch";
  struct tunnel_loop *loop = NULL;
  int32_t count = 0;
  napi_value result = NULL;
  if (!read_number(env, info, message, &count, &loop)) return NULL;
  const int most = loop->is_closing ? 0 : TUNNEL_PACKETS;
  if (count < 0 || count > most) return throw_type_error(env, message);
  TRY(napi_create_int32(env, tunnel_send(&loop->tunnel, &loop->sent, count), &result));
  return result;
}

/* keepProcess(on): with 1 the tunnel keeps the process alive, with 0 it does not. */
static napi_value js_keep_process(napi_env env, napi_callback_info info) {
  struct tunnel_loop *loop = NULL;
  int32_t on = 0;
  if (!read_number(env, info, "on must be 0 or 1", &on, &loop)) return NULL;
  if (loop->is_closing) return NULL;
  if (on != 0) uv_ref((uv_handle_t *)&loop->watcher);
  else uv_unref((uv_handle_t *)&loop->watcher);
  return NULL;
}

/* end(): closes the descriptor and gives the memory back. No batch follows. */
static napi_value js_end(napi_env env, napi_callback_info info) {
  void *data = NULL;
  TRY(napi_get_cb_info(env, info, NULL, NULL, NULL, &data));
  tunnel_loop_end(data);
  return NULL;
}

/* ---- the object */

static napi_status add_functions(napi_env env, napi_value object, struct tunnel_loop *loop) {
  const napi_property_descriptor functions[] = {
      {.utf8name = "send", .method = js_send, .attributes = napi_enumerable, .data = loop},
      {.utf8name = "keepProcess", .method = js_keep_process, .attributes = napi_enumerable, .data = loop},
      {.utf8name = "end", .method = js_end, .attributes = napi_enumerable, .data = loop},
  };
  return napi_define_properties(env, object, sizeof functions / sizeof functions[0], functions);
}

/* Adds memory that both sides see, referenced until the loop ends. */
static napi_status add_buffer(
    napi_env env, napi_value object, const char *name, size_t bytes, napi_ref *reference, void **memory) {
  napi_value buffer = NULL;
  napi_status status = napi_create_arraybuffer(env, bytes, memory, &buffer);
  if (status == napi_ok) status = napi_create_reference(env, buffer, 1, reference);
  return status != napi_ok ? status : napi_set_named_property(env, object, name, buffer);
}

static napi_status add_buffers(napi_env env, napi_value object, struct tunnel_loop *loop) {
  static const char *const names[TUNNEL_BUFFERS] = {"received", "receivedLengths", "sent", "sentLengths"};
  void *memory[TUNNEL_BUFFERS] = {NULL};
  napi_status status = napi_ok;
  for (int i = 0; status == napi_ok && i < TUNNEL_BUFFERS; i++) {
    const size_t bytes = i % 2 == 0 ? TUNNEL_BATCH_BYTES : TUNNEL_PACKETS * sizeof(int32_t);
    status = add_buffer(env, object, names[i], bytes, &loop->buffers[i], &memory[i]);
  }
  loop->received = (struct batch){memory[0], memory[1]};
  loop->sent = (struct batch){memory[2], memory[3]};
  return status;
}

static napi_status add_boolean(napi_env env, napi_value object, const char *name, bool is_true) {
  napi_value value = NULL;
  const napi_status status = napi_get_boolean(env, is_true, &value);
  return status != napi_ok ? status : napi_set_named_property(env, object, name, value);
}

static napi_status add_facts(napi_env env, napi_value object, const struct tunnel_facts *facts) {
  napi_value mtu = NULL;
  napi_status status = napi_create_int32(env, facts->mtu, &mtu);
  if (status == napi_ok) status = napi_set_named_property(env, object, "mtu", mtu);
  if (status == napi_ok) status = add_boolean(env, object, "isUp", facts->is_up);
  return status != napi_ok ? status : add_boolean(env, object, "hasAddress", facts->has_address);
}

static void on_object_freed(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  tunnel_loop_disown(data);
}

/* Fills the object that JavaScript gets, which becomes the loop's owner. */
static napi_status fill_object(napi_env env, napi_value object, napi_value dispatch, struct tunnel_loop *loop) {
  napi_status status = add_buffers(env, object, loop);
  if (status == napi_ok) status = add_functions(env, object, loop);
  if (status == napi_ok) status = napi_create_reference(env, dispatch, 1, &loop->dispatch);
  if (status != napi_ok) return status;
  return napi_add_finalizer(env, object, loop, on_object_freed, NULL, NULL);
}

/* Opens the tunnel, and begins to watch it. Returns 0 or a refusal. */
static int begin(struct tunnel_loop *loop, const char *name, bool is_tap, struct tunnel_facts *facts) {
  int result = tunnel_open(&loop->tunnel, name, is_tap);
  if (result < 0) return result;
  result = tunnel_facts(&loop->tunnel, facts);
  if (result == 0) return tunnel_loop_open(loop);
  (void)tunnel_close(&loop->tunnel); /* The reason is the first refusal. */
  return result;
}

/* Reads the arguments. Returns false with an exception pending. */
static bool read_request(
    napi_env env, napi_callback_info info, char name[IFNAMSIZ + 1], bool *is_tap, napi_value *dispatch) {
  napi_value arguments[3];
  size_t count = 3;
  size_t bytes = 0;
  napi_valuetype type = napi_undefined;
  TRY_OR(false, napi_get_cb_info(env, info, &count, arguments, NULL, NULL));
  const napi_status status = napi_get_value_string_utf8(env, arguments[0], name, IFNAMSIZ + 1, &bytes);
  if (status != napi_string_expected) TRY_OR(false, status);
  TRY_OR(false, napi_typeof(env, arguments[2], &type));
  const bool is_named = status == napi_ok && strlen(name) == bytes;
  const bool has_kind = napi_get_value_bool(env, arguments[1], is_tap) == napi_ok;
  *dispatch = arguments[2];
  if (is_named && has_kind && type == napi_function) return true;
  (void)throw_type_error(env, "openTunnel takes a name, true for TAP, and a function");
  return false;
}

napi_value js_open_tunnel(napi_env env, napi_callback_info info) {
  /* One byte more than a name may have, to see that one is longer. */
  char name[IFNAMSIZ + 1] = {0};
  bool is_tap = false;
  napi_value dispatch = NULL;
  napi_value object = NULL;
  if (!read_request(env, info, name, &is_tap, &dispatch)) return NULL;
  TRY(napi_create_object(env, &object));
  struct tunnel_loop *loop = tunnel_loop_create(env);
  if (loop == NULL) return throw_refusal(env, refusal(CALL_MALLOC, ENOMEM));
  const napi_status status = fill_object(env, object, dispatch, loop);
  if (status != napi_ok) {
    (void)throw_napi_failure(env);
    /* The object is not returned, so no code can call its functions, which carry the loop. */
    tunnel_loop_release(loop);
    tunnel_loop_disown(loop);
    return NULL;
  }
  struct tunnel_facts facts = {0};
  const int result = begin(loop, name, is_tap, &facts);
  if (result == 0) {
    if (add_facts(env, object, &facts) == napi_ok) return object;
    tunnel_loop_end(loop);
    return throw_napi_failure(env);
  }
  /* Released at once: a program that is out of descriptors may try again and again. */
  tunnel_loop_release(loop);
  return throw_refusal(env, result);
}
