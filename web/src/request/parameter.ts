/** A parameter of a request: of the query, of a form, or an uploaded file's. */

export type ParameterKind = 'query' | 'post' | 'file';

export class AsyncWebParameter {
  readonly #name: string;
  readonly #value: string;
  readonly #kind: ParameterKind;
  readonly #size: number;

  /**
   * Makes a parameter.
   * @param value of a file: its name.
   * @param size bytes of the value; of a file: its bytes.
   */
  constructor(name: string, value: string, kind: ParameterKind, size = Buffer.byteLength(value)) {
    this.#name = name;
    this.#value = value;
    this.#kind = kind;
    this.#size = size;
  }

  /** Returns the name. */
  name(): string {
    return this.#name;
  }

  /** Returns the value; of a file, its name as the client says it: not safe as a path. See `baseName`. */
  value(): string {
    return this.#value;
  }

  /** Returns the last part of a file's name, which names no other folder; empty if there is none such. */
  baseName(): string {
    return baseNameOf(this.#value);
  }

  /** Returns the bytes of the value; of a file, its bytes. */
  size(): number {
    return this.#size;
  }

  /** Returns true for a parameter of a form, also for a file. */
  isPost(): boolean {
    return this.#kind !== 'query';
  }

  /** Returns true for an uploaded file. */
  isFile(): boolean {
    return this.#kind === 'file';
  }
}

/**
 * Returns the last part of a file's name as a client says it, which names no other folder: behind slashes and
 * backslashes. Empty for `.`, `..` and names with control characters.
 */
export function baseNameOf(filename: string): string {
  const name = filename.slice(Math.max(filename.lastIndexOf('/'), filename.lastIndexOf('\\')) + 1);
  // eslint-disable-next-line no-control-regex -- these are looked for.
  return name === '.' || name === '..' || /[\u0000-\u001f\u007f]/.test(name) ? '' : name;
}
