/** Text of clients as a log may have it: one line, and without secrets. */

/** Names of headers and parameters whose value is a secret, or has one. */
const SECRET = /authorization|cookie|token|passw|secret|api-?_?key/i;

const HIDDEN = '***';

/** Returns text with all but printable ASCII characters escaped. */
function printable(text: string): string {
  return text.replace(/[^ -~]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Returns a URL or a path without passwords: neither before its host, nor in parameters named so. */
export function targetText(target: string): string {
  const shown = target.replace(/^(https?:\/\/)[^/?#]*@/i, `$1${HIDDEN}@`);
  const query = shown.indexOf('?') + 1;
  if (query === 0) return printable(shown);
  const params = shown.slice(query).split('&').map(paramText);
  return printable(shown.slice(0, query) + params.join('&'));
}

function paramText(param: string): string {
  const at = param.indexOf('=');
  return at >= 0 && SECRET.test(param.slice(0, at)) ? `${param.slice(0, at)}=${HIDDEN}` : param;
}

/** Returns a header as a line; stars in place of a secret. */
export function headerText(name: string, value: string): string {
  return `${printable(name)}: ${SECRET.test(name) ? HIDDEN : targetText(value)}`;
}
