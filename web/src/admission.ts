/** The bounds that node:http does not keep itself, checked before a request gets to a handler. */
import type { IncomingMessage } from 'node:http';
import type { Limits } from './limits.js';
import { countParams, parseTarget, type Target } from './request/target.js';

/** Returns the request's target, or the status with which it is refused. */
export function admit(message: IncomingMessage, limits: Limits): Target | number {
  const { url = '', rawHeaders } = message;
  if (url.length > limits.urlBytes) return 414;
  if (rawHeaders.length / 2 > limits.headers) return 431;
  const target = parseTarget(url);
  if (target === undefined) return 400;
  return countParams(target.query) > limits.params ? 400 : target;
}
