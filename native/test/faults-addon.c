#include "faults-addon.h"

#include <stdint.h>

#include <uv.h>

#include "faults.h"
#include "napi-call.h"

/* Bytes of the longest name of a call, including the NUL at its end. */
#define MAX_NAME_BYTES 32

static napi_value undefined(napi_env env) {
  napi_value result = NULL;
  TRY(napi_get_undefined(env, &result));
  return result;
}

/* setFault(call, nth, times, errno, bytes) */
static napi_value js_set_fault(napi_env env, napi_callback_info info) {
  napi_value arguments[5];
  size_t count = 5;
  char call[MAX_NAME_BYTES];
  uint32_t numbers[4];
  TRY(napi_get_cb_info(env, info, &count, arguments, NULL, NULL));
  TRY(napi_get_value_string_utf8(env, arguments[0], call, sizeof call, NULL));
  for (size_t i = 0; i < 4; i++) TRY(napi_get_value_uint32(env, arguments[i + 1], &numbers[i]));
  const struct fault fault = {
      .nth = numbers[0], .times = numbers[1], .error = (int)numbers[2], .bytes = numbers[3]};
  if (faults_set(call, fault)) return undefined(env);
  return throw_type_error(env, "there is no such call, or no room for a rule");
}

/* clearFaults() */
static napi_value js_clear_faults(napi_env env, napi_callback_info info) {
  (void)info;
  faults_clear();
  return undefined(env);
}

/* calls(call): returns the number of calls since the faults were cleared. */
static napi_value js_calls(napi_env env, napi_callback_info info) {
  napi_value argument = NULL;
  napi_value result = NULL;
  size_t count = 1;
  char call[MAX_NAME_BYTES];
  TRY(napi_get_cb_info(env, info, &count, &argument, NULL, NULL));
  TRY(napi_get_value_string_utf8(env, argument, call, sizeof call, NULL));
  const int64_t calls = faults_calls(call);
  if (calls < 0) return throw_type_error(env, "there is no such call");
  TRY(napi_create_int64(env, calls, &result));
  return result;
}

/* runLoop(): runs the environment's event loop once, inside of the callback that calls it. */
static napi_value js_run_loop(napi_env env, napi_callback_info info) {
  (void)info;
  uv_loop_t *loop = NULL;
  TRY(napi_get_uv_event_loop(env, &loop));
  (void)uv_run(loop, UV_RUN_NOWAIT); /* Returns only that the loop has more to do. */
  return undefined(env);
}

napi_status offer_faults(napi_env env, napi_value exports) {
  const napi_property_descriptor functions[] = {
      {.utf8name = "setFault", .method = js_set_fault, .attributes = napi_enumerable},
      {.utf8name = "clearFaults", .method = js_clear_faults, .attributes = napi_enumerable},
      {.utf8name = "calls", .method = js_calls, .attributes = napi_enumerable},
      {.utf8name = "runLoop", .method = js_run_loop, .attributes = napi_enumerable},
  };
  return napi_define_properties(env, exports, sizeof functions / sizeof functions[0], functions);
}
