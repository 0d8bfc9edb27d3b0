/** The target of a request: its path, decoded, and its query. */

export interface Target {
  /** The path, with percent-encoded characters decoded. */
  readonly path: string;
  /** The path as it was sent. */
  readonly encodedPath: string;
  /** Text behind the question mark; empty if there is none. */
  readonly query: string;
}

/** Characters that no path has, decoded or not: control characters, and what separates folders on Windows. */
// eslint-disable-next-line no-control-regex -- these are looked for.
const FORBIDDEN = /[\u0000-\u001f\u007f\\]/;

/** Host and port as a URL has them, and nothing else of it: a name, an IPv4 or an IPv6 address. */
const HOST = /^(?:[\w.~!$&'()*+,;=-]+|\[[\da-f:.]+\])(?::\d{0,5})?$/i;

/** Returns true for a host, with or without a port. */
export function isHost(text: string): boolean {
  return HOST.test(text);
}

/** Returns host and port of a target that is a URL, as they were sent; `undefined` for a path. */
export function hostOfTarget(target: string): string | undefined {
  if (target.startsWith('/')) return undefined;
  return /^https?:\/\/(?<host>[^/?#]+)/i.exec(target)?.groups?.['host'];
}

/**
 * Splits and decodes the target of a request. Returns `undefined` for one that is refused: bad
 * percent-encoding, a control character, a backslash, a fragment, or a path with `.` or `..` (RFC 3986
 * §5.2.4), which a matcher would read as it is, and a `URL` would not.
 * @param target the target as it was sent: a path, or a URL as proxies get it (RFC 9112 §3.2).
 */
export function parseTarget(target: string): Target | undefined {
  if (target.includes('#')) return undefined;
  const origin = target.startsWith('/') ? target : pathOf(target);
  if (origin === undefined) return undefined;
  const at = origin.indexOf('?');
  const encoded = at < 0 ? origin : origin.slice(0, at);
  const query = at < 0 ? '' : origin.slice(at + 1);
  const path = decoded(encoded);
  if (path === undefined || FORBIDDEN.test(path) || hasDots(path)) return undefined;
  return { path, encodedPath: encoded, query };
}

/** Returns the number of parameters of a query, or of a form that is written as one. */
export function countParams(query: string): number {
  let count = 0;
  for (let at = -1; (at = query.indexOf('&', at + 1)) >= 0;) count += 1;
  return query === '' ? 0 : count + 1;
}

/** Returns what follows the host of an absolute URL. */
function pathOf(target: string): string | undefined {
  if (target === '*') return '*';
  const host = hostOfTarget(target);
  if (host === undefined || !isHost(host)) return undefined;
  const path = target.slice(target.indexOf(host, target.indexOf('//') + 2) + host.length);
  return path.startsWith('/') ? path : `/${path}`;
}

function decoded(encoded: string): string | undefined {
  if (!encoded.includes('%')) return encoded;
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}

function hasDots(path: string): boolean {
  return path.includes('/.') && path.split('/').some((name) => name === '.' || name === '..');
}
