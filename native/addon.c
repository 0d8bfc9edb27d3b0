/*
 * The addon's interface to JavaScript, which src/addon/native-addon.ts describes. The functions here check
 * arguments, make results and throw refusals; the work is done in files that do not know Node-API.
 *
 * Each environment, that of the main thread and that of every Worker, loads the addon anew and has a
 * `struct state` of its own.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <node_api.h>

#include "constants-addon.h"
#include "endpoint.h"
#include "napi-call.h"
#include "refusal.h"
#include "sockets-addon.h"
#include "stack.h"
#include "thread.h"
#include "tunnel-addon.h"
#ifdef ASYNCTCP_FAULTS
#include "faults-addon.h"
#endif

struct state {
  /* The upper end of the thread's stack, which never moves. 0 before the first use. */
  uintptr_t stack_end;
  struct stack_watch watch;
  bool is_watching;
};

/* ---- arguments and results */

static napi_value undefined_or_throw(napi_env env, int result) {
  if (result < 0) return throw_refusal(env, result);
  napi_value undefined = NULL;
  TRY(napi_get_undefined(env, &undefined));
  return undefined;
}

/* Reads the first argument, which is `undefined` if there is none. */
static napi_status first_argument(napi_env env, napi_callback_info info, napi_value *value) {
  size_t count = 1;
  return napi_get_cb_info(env, info, &count, value, NULL, NULL);
}

static napi_status state_of(napi_env env, struct state **state) {
  void *data = NULL;
  const napi_status status = napi_get_instance_data(env, &data);
  *state = data;
  return status == napi_ok && data == NULL ? napi_generic_failure : status;
}

/* ---- thread */

static napi_value js_thread_id(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value result = NULL;
  TRY(napi_create_int32(env, thread_id(), &result));
  return result;
}

static napi_value js_set_name(napi_env env, napi_callback_info info) {
  napi_value argument = NULL;
  TRY(first_argument(env, info, &argument));
  /* Node-API cuts between characters, never within one. */
  char name[THREAD_NAME_BYTES] = {0};
  size_t bytes = 0;
  const napi_status status = napi_get_value_string_utf8(env, argument, name, sizeof name, &bytes);
  if (status == napi_string_expected) return throw_type_error(env, "name must be a string");
  TRY(status);
  if (strlen(name) != bytes) return throw_type_error(env, "name must not contain NUL");
  return undefined_or_throw(env, thread_set_name(name));
}

static napi_value array_of_cores(napi_env env, const unsigned *cores, size_t count) {
  napi_value result = NULL;
  TRY(napi_create_array_with_length(env, count, &result));
  for (size_t i = 0; i < count; i++) {
    napi_value core = NULL;
    TRY(napi_create_uint32(env, cores[i], &core));
    TRY(napi_set_element(env, result, (uint32_t)i, core));
  }
  return result;
}

static napi_value js_affinity(napi_env env, napi_callback_info info) {
  (void)info;
  unsigned *cores = NULL;
  size_t count = 0;
  const int result = thread_affinity(&cores, &count);
  if (result < 0) return throw_refusal(env, result);
  napi_value array = array_of_cores(env, cores, count);
  free(cores);
  return array;
}

/*
 * Reads one element of an array. A number that is no core becomes MAX_CORES, which `thread_set_affinity`
 * refuses.
 */
static bool read_core(napi_env env, napi_value array, uint32_t index, unsigned *core) {
  napi_value element = NULL;
  int64_t number = 0;
  TRY_OR(false, napi_get_element(env, array, index, &element));
  if (!read_integer(env, element, "cores must be integers", &number)) return false;
  *core = number < 0 || number >= MAX_CORES ? MAX_CORES : (unsigned)number;
  return true;
}

static bool read_cores(napi_env env, napi_value array, unsigned *cores, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    napi_handle_scope scope = NULL;
    TRY_OR(false, napi_open_handle_scope(env, &scope));
    const bool is_read = read_core(env, array, i, &cores[i]);
    TRY_OR(false, napi_close_handle_scope(env, scope));
    if (!is_read) return false;
  }
  return true;
}

static napi_value js_set_affinity(napi_env env, napi_callback_info info) {
  napi_value argument = NULL;
  TRY(first_argument(env, info, &argument));
  bool is_array = false;
  TRY(napi_is_array(env, argument, &is_array));
  if (!is_array) return throw_type_error(env, "cores must be an array");
  uint32_t count = 0;
  TRY(napi_get_array_length(env, argument, &count));
  if (count > MAX_CORES) return throw_type_error(env, "cores must not be more than there can be");
  /* One more than needed: malloc(0) may return NULL. */
  unsigned *cores = malloc(((size_t)count + 1) * sizeof *cores);
  if (cores == NULL) return throw_refusal(env, refusal(CALL_SCHED_SETAFFINITY, ENOMEM));
  const bool is_read = read_cores(env, argument, cores, count);
  const int result = is_read ? thread_set_affinity(cores, count) : 0;
  free(cores);
  return is_read ? undefined_or_throw(env, result) : NULL;
}

static napi_value js_nice(napi_env env, napi_callback_info info) {
  (void)info;
  int nice = 0;
  const int result = thread_nice(&nice);
  if (result < 0) return throw_refusal(env, result);
  napi_value number = NULL;
  TRY(napi_create_int32(env, nice, &number));
  return number;
}

static napi_value js_set_nice(napi_env env, napi_callback_info info) {
  napi_value argument = NULL;
  TRY(first_argument(env, info, &argument));
  int64_t nice = 0;
  if (!read_integer(env, argument, "nice must be an integer", &nice)) return NULL;
  /* A number out of range stays out of range. */
  const int bounded = nice < -100 ? -100 : nice > 100 ? 100 : (int)nice;
  return undefined_or_throw(env, thread_set_nice(bounded));
}

/* ---- descriptors */

/* Reads the first argument. */
static bool read_descriptor(napi_env env, napi_callback_info info, int *descriptor) {
  static const char message[] = "descriptor must be an integer, 0 or more";
  napi_value argument = NULL;
  int64_t number = 0;
  TRY_OR(false, first_argument(env, info, &argument));
  if (!read_integer(env, argument, message, &number)) return false;
  const bool is_one = number >= 0 && number <= INT32_MAX;
  if (is_one) *descriptor = (int)number;
  else (void)throw_type_error(env, message);
  return is_one;
}

static napi_value js_close_descriptor(napi_env env, napi_callback_info info) {
  int descriptor = 0;
  if (!read_descriptor(env, info, &descriptor)) return NULL;
  /* Linux frees the descriptor even if the call is interrupted (close(2)). */
  const bool is_closed = close(descriptor) == 0 || errno == EINTR;
  return undefined_or_throw(env, is_closed ? 0 : refusal(CALL_CLOSE, errno));
}

static napi_value js_duplicate_descriptor(napi_env env, napi_callback_info info) {
  int descriptor = 0;
  if (!read_descriptor(env, info, &descriptor)) return NULL;
  const int duplicate = endpoint_duplicate(descriptor);
  if (duplicate < 0) return throw_refusal(env, duplicate);
  napi_value result = NULL;
  TRY(napi_create_int32(env, duplicate, &result));
  return result;
}

/* ---- stack */

static napi_value js_stack(napi_env env, napi_callback_info info) {
  (void)info;
  struct stack_bounds bounds;
  const int result = stack_find(&bounds);
  if (result < 0) return throw_refusal(env, result);
  napi_value object = NULL;
  napi_value lowest = NULL;
  napi_value bytes = NULL;
  TRY(napi_create_object(env, &object));
  TRY(napi_create_bigint_uint64(env, bounds.lowest, &lowest));
  TRY(napi_create_double(env, (double)(bounds.end - bounds.lowest), &bytes));
  TRY(napi_set_named_property(env, object, "lowest", lowest));
  TRY(napi_set_named_property(env, object, "bytes", bytes));
  return object;
}

static napi_value js_stack_depth(napi_env env, napi_callback_info info) {
  (void)info;
  struct state *state = NULL;
  TRY(state_of(env, &state));
  if (state->stack_end == 0) {
    struct stack_bounds bounds;
    const int result = stack_find(&bounds);
    if (result < 0) return throw_refusal(env, result);
    state->stack_end = bounds.end;
  }
  const uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
  napi_value depth = NULL;
  TRY(napi_create_double(env, (double)(state->stack_end - frame), &depth));
  return depth;
}

static napi_value js_watch_stack(napi_env env, napi_callback_info info) {
  static const char message[] = "bytes must be a positive integer";
  napi_value argument = NULL;
  TRY(first_argument(env, info, &argument));
  int64_t bytes = 0;
  if (!read_integer(env, argument, message, &bytes)) return NULL;
  if (bytes <= 0) return throw_type_error(env, message);
  struct state *state = NULL;
  TRY(state_of(env, &state));
  const int result = stack_watch(&state->watch, (size_t)bytes);
  if (result == 0) state->is_watching = true;
  return undefined_or_throw(env, result);
}

static napi_value js_unused_stack(napi_env env, napi_callback_info info) {
  (void)info;
  struct state *state = NULL;
  TRY(state_of(env, &state));
  if (!state->is_watching) {
    TRY(napi_throw_error(env, "ERR_INVALID_STATE", "the stack is not watched: call watchStack first"));
    return NULL;
  }
  size_t unused = 0;
  const int result = stack_unused(&state->watch, &unused);
  if (result < 0) return throw_refusal(env, result);
  napi_value bytes = NULL;
  TRY(napi_create_double(env, (double)unused, &bytes));
  return bytes;
}

/* ---- the module */

static void free_state(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  free(data);
}

static napi_property_descriptor function(const char *name, napi_callback callback) {
  const napi_property_descriptor descriptor = {
      .utf8name = name, .method = callback, .attributes = napi_enumerable};
  return descriptor;
}

NAPI_MODULE_INIT() {
  struct state *state = calloc(1, sizeof *state);
  if (state == NULL) {
    TRY(napi_throw_error(env, "ENOMEM", "no memory for the addon's state"));
    return NULL;
  }
  if (napi_set_instance_data(env, state, free_state, NULL) != napi_ok) {
    free(state);
    return throw_napi_failure(env);
  }
  const napi_property_descriptor functions[] = {
      function("threadId", js_thread_id),
      function("setName", js_set_name),
      function("affinity", js_affinity),
      function("setAffinity", js_set_affinity),
      function("nice", js_nice),
      function("setNice", js_set_nice),
      function("closeDescriptor", js_close_descriptor),
      function("duplicateDescriptor", js_duplicate_descriptor),
      function("stack", js_stack),
      function("stackDepth", js_stack_depth),
      function("watchStack", js_watch_stack),
      function("unusedStack", js_unused_stack),
      function("constants", js_constants),
      function("openSockets", js_open_sockets),
      function("openTunnel", js_open_tunnel),
  };
  TRY(napi_define_properties(env, exports, sizeof functions / sizeof functions[0], functions));
#ifdef ASYNCTCP_FAULTS
  TRY(offer_faults(env, exports));
#endif
  return exports;
}
