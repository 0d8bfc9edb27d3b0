#include "napi-call.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>

#include "errno-name.h"

napi_value refused(napi_env env) {
  const napi_extended_error_info *info = NULL;
  const char *text = NULL;
  if (napi_get_last_error_info(env, &info) == napi_ok) text = info->error_message;
  bool is_pending = false;
  if (napi_is_exception_pending(env, &is_pending) == napi_ok && !is_pending) {
    (void)napi_throw_error(env, "ERR_NAPI", text == NULL ? "a call of Node-API failed" : text);
  }
  return NULL;
}

napi_value wrong_type(napi_env env, const char *message) {
  TRY(napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", message));
  return NULL;
}

static napi_status set_string(napi_env env, napi_value object, const char *name, const char *text) {
  napi_value value = NULL;
  const napi_status status = napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value);
  return status != napi_ok ? status : napi_set_named_property(env, object, name, value);
}

napi_value throw_outcome(napi_env env, struct outcome outcome) {
  char message[128];
  const char *name = errno_name(outcome.error);
  const int length =
      snprintf(message, sizeof message, "%s: %s, %s", name, errno_text(outcome.error), outcome.call);
  if (length < 0) message[0] = '\0';
  napi_value code = NULL;
  napi_value text = NULL;
  napi_value number = NULL;
  napi_value error = NULL;
  TRY(napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &code));
  TRY(napi_create_string_utf8(env, message, NAPI_AUTO_LENGTH, &text));
  TRY(napi_create_error(env, code, text, &error));
  TRY(napi_create_int32(env, -outcome.error, &number));
  TRY(napi_set_named_property(env, error, "errno", number));
  TRY(set_string(env, error, "syscall", outcome.call));
  TRY(napi_throw(env, error));
  return NULL;
}

napi_status read_integer(napi_env env, napi_value value, bool *is_integer, int64_t *integer) {
  *is_integer = false;
  double number = 0;
  const napi_status status = napi_get_value_double(env, value, &number);
  if (status == napi_number_expected) return napi_ok;
  if (status != napi_ok) return status;
  if (trunc(number) == number && fabs(number) <= 9007199254740991.0) {
    *is_integer = true;
    *integer = (int64_t)number;
  }
  return napi_ok;
}
