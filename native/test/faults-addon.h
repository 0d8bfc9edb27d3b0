/* The faults' interface to JavaScript, in the addon that is built for tests (test/faults/injecting-addon.ts). */
#ifndef ASYNCTCP_FAULTS_ADDON_H
#define ASYNCTCP_FAULTS_ADDON_H

#include <node_api.h>

/* Adds `setFault`, `clearFaults`, `calls` and `runLoop` to the addon's functions. */
napi_status offer_faults(napi_env env, napi_value exports);

#endif
