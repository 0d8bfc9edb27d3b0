/*
 * What the files that face JavaScript share: failures, and reading arguments.
 */
#ifndef ASYNCTCP_NAPI_CALL_H
#define ASYNCTCP_NAPI_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include <node_api.h>

#include "outcome.h"

/* Each of these leaves an exception pending and gives NULL, the function's result. */

/* A call of Node-API failed. An environment that is being torn down cannot throw, and need not. */
napi_value refused(napi_env env);
napi_value wrong_type(napi_env env, const char *message);
/* Throws what the system answered, in the form of Node's own errors: `errno` is negative there. */
napi_value throw_outcome(napi_env env, struct outcome outcome);

/* Returns from the function when a call of Node-API fails. */
#define TRY(call) \
  do { \
    if ((call) != napi_ok) return refused(env); \
  } while (0)

/* The value as an integer that a double holds exactly; `is_integer` says whether it is one. */
napi_status read_integer(napi_env env, napi_value value, bool *is_integer, int64_t *integer);

#endif
