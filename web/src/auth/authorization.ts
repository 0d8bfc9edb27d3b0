/** The header `Authorization` (RFC 9110 §11.6.2): a scheme, and a token or parameters. */

export interface Authorization {
  /** The scheme in small letters, such as `basic`. */
  readonly scheme: string;
  /** The token; `undefined` if there are parameters, or nothing. */
  readonly token: string | undefined;
  /** Parameters by their names in small letters; `undefined` if there is a token, or nothing. */
  readonly params: ReadonlyMap<string, string> | undefined;
}

const HEADER = /^(?<scheme>[\w!#$%&'*+.^`|~-]+)(?: +(?<rest>.*))?$/;
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/** The name of a parameter, its value in quotes or without, and what ends it. */
const NAME = /[\t ]*(?<name>[\w!#$%&'*+.^`|~-]+)[\t ]*=[\t ]*/.source;
const VALUE = /(?:"(?<quoted>(?:[^"\\]|\\.)*)"|(?<plain>[\w!#$%&'*+.^`|~-]+))/.source;
const PARAM = new RegExp(`${NAME}${VALUE}[\\t ]*(?:,|$)`, 'y');

/** Most parameters that are read; digest has twelve. */
const MOST_PARAMS = 32;

/** Returns true for a token as a header can carry it (RFC 9110 §11.2). */
export function isToken(token: string): boolean {
  return TOKEN.test(token);
}

/** Returns the header's parts; of one that is not well-formed, the scheme alone or `undefined`. */
export function parseAuthorization(header: string): Authorization | undefined {
  const { scheme, rest = '' } = HEADER.exec(header)?.groups ?? {};
  if (scheme === undefined) return undefined;
  const trimmed = rest.trim();
  if (isToken(trimmed)) return { scheme: scheme.toLowerCase(), token: trimmed, params: undefined };
  return { scheme: scheme.toLowerCase(), token: undefined, params: parseParams(trimmed) };
}

/** Returns the parameters; `undefined` if they are not well-formed, or if one comes twice. */
function parseParams(text: string): Map<string, string> | undefined {
  const params = new Map<string, string>();
  for (let at = 0; at < text.length; at = PARAM.lastIndex) {
    PARAM.lastIndex = at;
    const { name, quoted, plain } = PARAM.exec(text)?.groups ?? {};
    if (name === undefined || params.has(name.toLowerCase()) || params.size === MOST_PARAMS) return undefined;
    params.set(name.toLowerCase(), plain ?? quoted?.replace(/\\(.)/g, '$1') ?? '');
  }
  return params.size > 0 ? params : undefined;
}
