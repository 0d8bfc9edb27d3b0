/**
 * The door `asynctcp/net/register`, for `node --import asynctcp/net/register app.js`. Without the stack
 * `kernel` it does nothing and says so.
 */
import './composition.js';
import { loadAddon } from './addon/load-addon.js';
import { configuration } from './asynctcp/configuration.js';
import { install, missingForHook } from './net/hook.js';
import { warn } from './support/warn.js';

/** Returns the reason why programs stay on node:net. */
function whyNot(): string | undefined {
  const { addon, reason } = loadAddon();
  if (addon === undefined) return `there is no stack kernel. ${reason.replace(/\.$/, '')}`;
  if (configuration.stack() === 'node') return 'CONFIG_ASYNC_TCP_STACK is node';
  const missing = missingForHook();
  return missing.length > 0 ? `this Node lacks ${missing.join(', ')}` : undefined;
}

const reason = whyNot();
if (reason === undefined) install('kernel');
else warn(`asynctcp/net/register leaves this program on node:net: ${reason}.`);
