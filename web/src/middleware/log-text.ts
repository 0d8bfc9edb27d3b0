/** Text of clients as a log may have it: one line, and without secrets. */

/** Names of headers and parameters whose value is a secret, or has one. */
const SECRET = /authorization|cookie|token|passw|secret|api-?_?key/i;

const HIDDEN = '***';

/** Returns text with all but printable ASCII characters escaped. */
function printable(text: string): string {
  return text.replace(/[^ -~]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Characters that a terminal obeys, or does not show; line feeds are looked at on their own. */
const UNSEEN = /(?!\n)[\p{C}\p{Zl}\p{Zp}]/gu;

/**
 * Returns the text of an error, which may have text of a client in it: what a terminal obeys is escaped, and
 * all lines behind the first are indented, so that none looks like one of the log.
 */
export function errorText(text: string): string {
  return text
    .replace(UNSEEN, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`)
    .replace(/\n(?! {4})/g, '\n    ');
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
