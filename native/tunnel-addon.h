/* The tunnels' interface to JavaScript, which src/addon/native-tunnel.ts describes. */
#ifndef ASYNCTCP_TUNNEL_ADDON_H
#define ASYNCTCP_TUNNEL_ADDON_H

#include <node_api.h>

/* `openTunnel(name, isTap, dispatch)`: returns an object of functions, memory and facts, or throws. */
napi_value js_open_tunnel(napi_env env, napi_callback_info info);

#endif
