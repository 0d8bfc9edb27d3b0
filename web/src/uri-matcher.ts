/** Patterns of the paths that a handler answers. */

/** Result of `matches`: true, or the groups of a regular expression; false if the path is another one. */
export type UriMatch = boolean | readonly string[];

/** Options of a matcher. */
export interface UriMatcherOptions {
  /** Upper and lower case are the same. Default: false. */
  ignoreCase?: boolean | undefined;
}

type Matches = (path: string) => UriMatch;

/** A path, or the paths, that a handler answers. A plain string is read as the constructor says. */
export class AsyncURIMatcher {
  readonly #matches: Matches;
  readonly #text: string;

  /**
   * Reads a plain string: an empty one matches every path; `/*.jpg` matches by the ending; a string that ends
   * in `*` matches what begins so; one from `^` to `$` is a regular expression. Any other, such as `/api`,
   * matches itself and the paths below it, `/api/…`.
   * @param options if upper and lower case are the same; or a function in place of the rules.
   */
  constructor(uri = '', options: UriMatcherOptions | Matches = {}) {
    this.#text = uri === '' ? '*' : uri;
    this.#matches = typeof options === 'function' ? options : matchPlain(uri, options);
  }

  /** Matches this path alone. */
  static exact(uri: string, options: UriMatcherOptions = {}): AsyncURIMatcher {
    const [wanted, fold] = folded(uri, options);
    return new AsyncURIMatcher(uri, (path) => fold(path) === wanted);
  }

  /** Matches every path that begins so: `/api` matches `/api`, `/apis` and `/api/x`. */
  static prefix(uri: string, options: UriMatcherOptions = {}): AsyncURIMatcher {
    const [wanted, fold] = folded(uri, options);
    return new AsyncURIMatcher(`${uri}*`, (path) => fold(path).startsWith(wanted));
  }

  /** Matches what is below a folder: `/docs` matches `/docs/` and `/docs/x`, not `/docs`. */
  static dir(uri: string, options: UriMatcherOptions = {}): AsyncURIMatcher {
    return AsyncURIMatcher.prefix(uri.endsWith('/') ? uri : `${uri}/`, options);
  }

  /** Matches files of a kind below a folder: `/images/*.jpg`. */
  static ext(pattern: string, options: UriMatcherOptions = {}): AsyncURIMatcher {
    const [wanted, fold] = folded(pattern, options);
    const at = wanted.lastIndexOf('*.');
    if (at < 0) throw new RangeError(`uri must have *. in it, such as /images/*.jpg; it is ${pattern}`);
    const folder = wanted.slice(0, at);
    const ending = wanted.slice(at + 1);
    return new AsyncURIMatcher(pattern, (path) => {
      const known = fold(path);
      const isLonger = known.length > folder.length + ending.length;
      return isLonger && known.startsWith(folder) && known.endsWith(ending);
    });
  }

  /** Matches by a regular expression; its groups are the request's `pathArg(i)`. */
  static regex(pattern: string | RegExp, options: UriMatcherOptions = {}): AsyncURIMatcher {
    const source = typeof pattern === 'string' ? pattern : pattern.source;
    const flags = typeof pattern === 'string' ? '' : pattern.flags.replace(/[gy]/g, '');
    const ignores = options.ignoreCase === true && !flags.includes('i');
    const expression = new RegExp(source, ignores ? `${flags}i` : flags);
    return new AsyncURIMatcher(source, (path) => matchGroups(expression, path));
  }

  /** Matches every path. */
  static all(): AsyncURIMatcher {
    return new AsyncURIMatcher('');
  }

  /**
   * Returns true, or the groups of the regular expression, if a path matches.
   * @param path the decoded path of a URL, without the query.
   */
  matches(path: string): UriMatch {
    return this.#matches(path);
  }

  /** Returns the pattern, as a log names the route. */
  toString(): string {
    return this.#text;
  }
}

type Fold = (text: string) => string;

function folded(uri: string, { ignoreCase }: UriMatcherOptions): [wanted: string, fold: Fold] {
  const fold: Fold = ignoreCase === true ? (text) => text.toLowerCase() : (text) => text;
  return [fold(uri), fold];
}

function matchGroups(expression: RegExp, path: string): UriMatch {
  const groups = expression.exec(path)?.slice(1);
  return groups?.map((group: string | undefined) => group ?? '') ?? false;
}

function matchPlain(uri: string, options: UriMatcherOptions): Matches {
  if (uri === '') return () => true;
  if (uri.startsWith('^') && uri.endsWith('$')) {
    const expression = new RegExp(uri, options.ignoreCase === true ? 'i' : '');
    return (path) => matchGroups(expression, path);
  }
  const [wanted, fold] = folded(uri, options);
  if (wanted.startsWith('/*.')) {
    const ending = wanted.slice(wanted.lastIndexOf('.'));
    return (path) => fold(path).endsWith(ending);
  }
  if (wanted.endsWith('*')) {
    const start = wanted.slice(0, -1);
    return (path) => fold(path).startsWith(start);
  }
  const below = `${wanted}/`;
  return (path) => {
    const known = fold(path);
    return known === wanted || known.startsWith(below);
  };
}
