/** The header `Location`. */

// eslint-disable-next-line no-control-regex -- these are looked for.
const CONTROL = /[\u0000-\u001f\u007f]/;

/**
 * Returns a URL as the header has it (RFC 3986 §2): spaces and characters that are not ASCII are encoded.
 * @throws TypeError for a URL with a control character, such as a line break.
 */
export function locationOf(url: string): string {
  if (CONTROL.test(url)) throw new TypeError('url must have no control characters');
  return url.replace(/[^!-~]+/g, encodeURIComponent);
}
