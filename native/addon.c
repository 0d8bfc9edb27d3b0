/*
 * The addon's face to JavaScript: src/addon/native-addon.ts is the interface. Here arguments are checked,
 * results are made and failures are thrown; what is done is in the other files, which know nothing of
 * Node-API.
 *
 * Each environment, the main thread's and every Worker's, loads the addon anew and has a `struct state` of
 * its own.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <node_api.h>

#include "napi-call.h"
#include "outcome.h"
#include "sockets-addon.h"
#include "stack.h"
#include "thread.h"
#ifdef ASYNCTCP_FAULTS
#include "faults-addon.h"
#endif

struct state {
  /* The upper end of the thread's stack; 0: not looked up yet. It does not move. */
  uintptr_t stack_end;
  struct stack_watch watch;
  bool is_watching;
};

static napi_value undefined_or_throw(napi_env env, struct outcome outcome) {
  if (outcome.error != 0) return throw_outcome(env, outcome);
  napi_value result = NULL;
  TRY(napi_get_undefined(env, &result));
  return result;
}

/* ---- arguments and results */

/* The first argument; `undefined` when there is none. */
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
  if (status == napi_string_expected) return wrong_type(env, "name must be a string");
  TRY(status);
  if (strlen(name) != bytes) return wrong_type(env, "name must not contain NUL");
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
  const struct outcome outcome = thread_affinity(&cores, &count);
  if (outcome.error != 0) return throw_outcome(env, outcome);
  napi_value result = array_of_cores(env, cores, count);
  free(cores);
  return result;
}

/* Fills `cores`; `is_right` is false when an element is not an integer. */
static napi_status read_cores(
    napi_env env, napi_value array, unsigned *cores, uint32_t count, bool *is_right) {
  for (uint32_t i = 0; i < count; i++) {
    napi_handle_scope scope = NULL;
    napi_status status = napi_open_handle_scope(env, &scope);
    if (status != napi_ok) return status;
    napi_value element = NULL;
    int64_t core = 0;
    status = napi_get_element(env, array, i, &element);
    if (status == napi_ok) status = read_integer(env, element, is_right, &core);
    const napi_status closed = napi_close_handle_scope(env, scope);
    if (status != napi_ok) return status;
    if (closed != napi_ok) return closed;
    if (!*is_right) return napi_ok;
    /* A number that no core has, for the refusal to come from one place. */
    cores[i] = core < 0 || core >= MAX_CORES ? MAX_CORES : (unsigned)core;
  }
  *is_right = true;
  return napi_ok;
}

static napi_value js_set_affinity(napi_env env, napi_callback_info info) {
  napi_value argument = NULL;
  TRY(first_argument(env, info, &argument));
  bool is_right = false;
  TRY(napi_is_array(env, argument, &is_right));
  if (!is_right) return wrong_type(env, "cores must be an array");
  uint32_t count = 0;
  TRY(napi_get_array_length(env, argument, &count));
  if (count > MAX_CORES) return wrong_type(env, "cores must not be more than there can be");
  /* One more than needed: malloc(0) may return NULL. */
  unsigned *cores = malloc(((size_t)count + 1) * sizeof *cores);
  if (cores == NULL) return throw_outcome(env, failed(ENOMEM, "sched_setaffinity"));
  const napi_status status = read_cores(env, argument, cores, count, &is_right);
  struct outcome outcome = done();
  if (status == napi_ok && is_right) outcome = thread_set_affinity(cores, count);
  free(cores);
  TRY(status);
  if (!is_right) return wrong_type(env, "cores must be integers");
  return undefined_or_throw(env, outcome);
}

static napi_value js_nice(napi_env env, napi_callback_info info) {
  (void)info;
  int nice = 0;
  const struct outcome outcome = thread_nice(&nice);
  if (outcome.error != 0) return throw_outcome(env, outcome);
  napi_value result = NULL;
  TRY(napi_create_int32(env, nice, &result));
  return result;
}

static napi_value js_set_nice(napi_env env, napi_callback_info info) {
  napi_value argument = NULL;
  TRY(first_argument(env, info, &argument));
  bool is_integer = false;
  int64_t nice = 0;
  TRY(read_integer(env, argument, &is_integer, &nice));
  if (!is_integer) return wrong_type(env, "nice must be an integer");
  /* Past the range it stays past the range. */
  const int bounded = nice < -100 ? -100 : nice > 100 ? 100 : (int)nice;
  return undefined_or_throw(env, thread_set_nice(bounded));
}

/* ---- stack */

static napi_value js_stack(napi_env env, napi_callback_info info) {
  (void)info;
  struct stack_bounds bounds;
  const struct outcome outcome = stack_find(&bounds);
  if (outcome.error != 0) return throw_outcome(env, outcome);
  napi_value result = NULL;
  napi_value lowest = NULL;
  napi_value bytes = NULL;
  TRY(napi_create_object(env, &result));
  TRY(napi_create_bigint_uint64(env, bounds.lowest, &lowest));
  TRY(napi_create_double(env, (double)(bounds.end - bounds.lowest), &bytes));
  TRY(napi_set_named_property(env, result, "lowest", lowest));
  TRY(napi_set_named_property(env, result, "bytes", bytes));
  return result;
}

static napi_value js_stack_depth(napi_env env, napi_callback_info info) {
  (void)info;
  struct state *state = NULL;
  TRY(state_of(env, &state));
  if (state->stack_end == 0) {
    struct stack_bounds bounds;
    const struct outcome outcome = stack_find(&bounds);
    if (outcome.error != 0) return throw_outcome(env, outcome);
    state->stack_end = bounds.end;
  }
  const uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
  napi_value result = NULL;
  TRY(napi_create_double(env, (double)(state->stack_end - frame), &result));
  return result;
}

static napi_value js_watch_stack(napi_env env, napi_callback_info info) {
  napi_value argument = NULL;
  TRY(first_argument(env, info, &argument));
  bool is_integer = false;
  int64_t bytes = 0;
  TRY(read_integer(env, argument, &is_integer, &bytes));
  if (!is_integer || bytes <= 0) return wrong_type(env, "bytes must be a positive integer");
  struct state *state = NULL;
  TRY(state_of(env, &state));
  const struct outcome outcome = stack_watch(&state->watch, (size_t)bytes);
  if (outcome.error == 0) state->is_watching = true;
  return undefined_or_throw(env, outcome);
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
  const struct outcome outcome = stack_unused(&state->watch, &unused);
  if (outcome.error != 0) return throw_outcome(env, outcome);
  napi_value result = NULL;
  TRY(napi_create_double(env, (double)unused, &result));
  return result;
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
    return refused(env);
  }
  const napi_property_descriptor functions[] = {
      function("threadId", js_thread_id),
      function("setName", js_set_name),
      function("affinity", js_affinity),
      function("setAffinity", js_set_affinity),
      function("nice", js_nice),
      function("setNice", js_set_nice),
      function("stack", js_stack),
      function("stackDepth", js_stack_depth),
      function("watchStack", js_watch_stack),
      function("unusedStack", js_unused_stack),
      function("openSockets", js_open_sockets),
  };
  TRY(napi_define_properties(env, exports, sizeof functions / sizeof functions[0], functions));
#ifdef ASYNCTCP_FAULTS
  TRY(offer_faults(env, exports));
#endif
  return exports;
}
