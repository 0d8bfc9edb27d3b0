/* The sockets' interface to JavaScript, which src/addon/native-sockets.ts describes. */
#ifndef ASYNCTCP_SOCKETS_ADDON_H
#define ASYNCTCP_SOCKETS_ADDON_H

#include <node_api.h>

/*
 * `openSockets(dispatch, checksPages)`: returns the sockets of this environment, an object of functions and
 * memory.
 */
napi_value js_open_sockets(napi_env env, napi_callback_info info);

#endif
