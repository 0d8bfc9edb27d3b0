/* The sockets' face to JavaScript: src/addon/native-sockets.ts is the interface. */
#ifndef ASYNCTCP_SOCKETS_ADDON_H
#define ASYNCTCP_SOCKETS_ADDON_H

#include <node_api.h>

/* `openSockets(dispatch)`: the sockets of this environment, as an object of functions and memory. */
napi_value js_open_sockets(napi_env env, napi_callback_info info);

#endif
