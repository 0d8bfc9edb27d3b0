/* The numbers that C and TypeScript share, for the test that compares them. */
#ifndef ASYNCTCP_CONSTANTS_ADDON_H
#define ASYNCTCP_CONSTANTS_ADDON_H

#include <node_api.h>

/* `constants()`: returns an object of tables, as `NativeConstants` in src/addon/native-addon.ts. */
napi_value js_constants(napi_env env, napi_callback_info info);

#endif
