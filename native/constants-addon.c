/*
 * TypeScript has these numbers as literals, so that its compilers fold them.
 * src/addon/native-sockets.test.ts compares both sides: a name that only one of them has fails there as
 * well.
 */
#include "constants-addon.h"

#include <netinet/tcp.h>

#include "endpoint.h"
#include "napi-call.h"
#include "refusal.h"
#include "sockets.h"
#include "tunnel.h"

struct constant {
  const char *name;
  int32_t value;
};

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

#define NUMBER(name) {#name, name}

static const struct constant NUMBERS[] = {
    {"EVENT_WORDS", sizeof(struct event) / sizeof(int32_t)},
    {"SEND_WORDS", sizeof(struct send) / sizeof(int32_t)},
    {"END_BYTES", sizeof(struct end_text)},
    NUMBER(SHARES_NOTHING),
    NUMBER(SHARES_PORT),
    NUMBER(SHARES_FREE_PORT),
    {"PATH_WORDS", sizeof(struct path_info) / sizeof(int32_t)},
    NUMBER(MAX_EVENTS),
    NUMBER(MAX_SENDS),
    NUMBER(ARENA_BYTES),
    NUMBER(MAX_PIECES),
    NUMBER(READ_BYTES),
    NUMBER(MAX_PAGES),
    NUMBER(PAGE_BYTES),
    NUMBER(LEAST_READ_BYTES),
    NUMBER(LARGE_BYTES),
    NUMBER(PIECE_ALIGN),
    NUMBER(PAGE_SHIFT),
    NUMBER(ERRNO_RANGE),
};

static const struct constant TUNNEL_NUMBERS[] = {
    NUMBER(TUNNEL_PACKETS),
    NUMBER(TUNNEL_ALIGN),
    NUMBER(TUNNEL_BATCH_BYTES),
};

#define EVENT_KIND(name) {#name, EVENT_##name}

static const struct constant EVENT_KINDS[] = {
    EVENT_KIND(CONNECTED), EVENT_KIND(FAILED),   EVENT_KIND(DATA),     EVENT_KIND(END),
    EVENT_KIND(ACKED),     EVENT_KIND(WRITABLE), EVENT_KIND(ACCEPTED), EVENT_KIND(ACCEPT_FAILED),
    EVENT_KIND(STARVED),
};

_Static_assert(LENGTH(EVENT_KINDS) == EVENT_KINDS_END - 1, "JavaScript knows every kind of event");

#define TCP_STATE(name) {#name, TCP_##name}

static const struct constant TCP_STATES[] = {
    TCP_STATE(ESTABLISHED), TCP_STATE(SYN_SENT),  TCP_STATE(SYN_RECV), TCP_STATE(FIN_WAIT1),
    TCP_STATE(FIN_WAIT2),   TCP_STATE(TIME_WAIT), TCP_STATE(CLOSE),    TCP_STATE(CLOSE_WAIT),
    TCP_STATE(LAST_ACK),    TCP_STATE(LISTEN),    TCP_STATE(CLOSING),
};

static napi_status set_number(napi_env env, napi_value object, const char *name, int32_t number) {
  napi_value value = NULL;
  const napi_status status = napi_create_int32(env, number, &value);
  return status != napi_ok ? status : napi_set_named_property(env, object, name, value);
}

static napi_status add_table(
    napi_env env, napi_value object, const char *name, const struct constant *constants, size_t count) {
  napi_value table = NULL;
  napi_status status = napi_create_object(env, &table);
  for (size_t i = 0; status == napi_ok && i < count; i++) {
    status = set_number(env, table, constants[i].name, constants[i].value);
  }
  return status != napi_ok ? status : napi_set_named_property(env, object, name, table);
}

static napi_status add_calls(napi_env env, napi_value object) {
  napi_value table = NULL;
  napi_status status = napi_create_object(env, &table);
  for (int call = CALL_SOCKET; status == napi_ok && call <= LAST_SHARED_CALL; call++) {
    status = set_number(env, table, call_name((enum system_call)call), call);
  }
  return status != napi_ok ? status : napi_set_named_property(env, object, "systemCalls", table);
}

napi_value js_constants(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value object = NULL;
  TRY(napi_create_object(env, &object));
  TRY(add_table(env, object, "numbers", NUMBERS, LENGTH(NUMBERS)));
  TRY(add_table(env, object, "tunnelNumbers", TUNNEL_NUMBERS, LENGTH(TUNNEL_NUMBERS)));
  TRY(add_table(env, object, "eventKinds", EVENT_KINDS, LENGTH(EVENT_KINDS)));
  TRY(add_table(env, object, "tcpStates", TCP_STATES, LENGTH(TCP_STATES)));
  TRY(add_calls(env, object));
  return object;
}
