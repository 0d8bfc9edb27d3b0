/*
 * Helpers of the files that face JavaScript: exceptions and the reading of arguments. A function of
 * this file that fails leaves an exception pending and returns NULL or false, which its caller returns in
 * turn.
 */
#ifndef ASYNCTCP_NAPI_CALL_H
#define ASYNCTCP_NAPI_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include <node_api.h>

/*
 * Throws the reason for which a call of Node-API failed, unless that call left an exception itself. An
 * environment that is being torn down cannot throw, and need not. Returns NULL.
 */
napi_value throw_napi_failure(napi_env env);

/* Throws a TypeError. Returns NULL. */
napi_value throw_type_error(napi_env env, const char *message);

/* Throws a refusal (refusal.h) in the form of Node's own errors: `errno` is negative there. Returns NULL. */
napi_value throw_refusal(napi_env env, int refusal);

/*
 * If a callback of JavaScript threw, raises that as an uncaught exception, as every callback of a runtime
 * does. Returns true if it did.
 */
bool raise_uncaught(napi_env env, napi_status status);

/* If the call of Node-API fails, throws and returns `result` from the function. */
#define TRY_OR(result, call) \
  do { \
    if ((call) != napi_ok) { \
      (void)throw_napi_failure(env); \
      return result; \
    } \
  } while (0)

#define TRY(call) TRY_OR(NULL, call)

/* Reads an integer that a double holds exactly. For any other value, throws a TypeError with `message`. */
bool read_integer(napi_env env, napi_value value, const char *message, int64_t *integer);

#endif
