#include "napi-call.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>

#include "errno-name.h"
#include "refusal.h"

/* Number.MAX_SAFE_INTEGER. */
#define MAX_SAFE_INTEGER 9007199254740991.0

napi_value throw_napi_failure(napi_env env) {
  const napi_extended_error_info *info = NULL;
  const char *text = NULL;
  if (napi_get_last_error_info(env, &info) == napi_ok) text = info->error_message;
  bool is_pending = false;
  if (napi_is_exception_pending(env, &is_pending) == napi_ok && !is_pending) {
    (void)napi_throw_error(env, "ERR_NAPI", text == NULL ? "a call of Node-API failed" : text);
  }
  return NULL;
}

napi_value throw_type_error(napi_env env, const char *message) {
  TRY(napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", message));
  return NULL;
}

static napi_status set_string(napi_env env, napi_value object, const char *name, const char *text) {
  napi_value value = NULL;
  const napi_status status = napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value);
  return status != napi_ok ? status : napi_set_named_property(env, object, name, value);
}

napi_value throw_refusal(napi_env env, int refusal) {
  char message[128];
  const int number = refusal_errno(refusal);
  const char *name = errno_name(number);
  const char *call = call_name(refusal_call(refusal));
  const int length = snprintf(message, sizeof message, "%s: %s, %s", name, errno_text(number), call);
  if (length < 0) message[0] = '\0';
  napi_value code = NULL;
  napi_value text = NULL;
  napi_value negated = NULL;
  napi_value error = NULL;
  TRY(napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &code));
  TRY(napi_create_string_utf8(env, message, NAPI_AUTO_LENGTH, &text));
  TRY(napi_create_error(env, code, text, &error));
  TRY(napi_create_int32(env, -number, &negated));
  TRY(napi_set_named_property(env, error, "errno", negated));
  TRY(set_string(env, error, "syscall", call));
  TRY(napi_throw(env, error));
  return NULL;
}

bool read_integer(napi_env env, napi_value value, const char *message, int64_t *integer) {
  double number = 0;
  const napi_status status = napi_get_value_double(env, value, &number);
  if (status != napi_number_expected) TRY_OR(false, status);
  const bool is_integer = status == napi_ok && trunc(number) == number && fabs(number) <= MAX_SAFE_INTEGER;
  if (is_integer) *integer = (int64_t)number;
  else (void)throw_type_error(env, message);
  return is_integer;
}

bool raise_uncaught(napi_env env, napi_status status) {
  if (status != napi_pending_exception) return false;
  napi_value error = NULL;
  if (napi_get_and_clear_last_exception(env, &error) != napi_ok) return false;
  return napi_fatal_exception(env, error) == napi_ok;
}
