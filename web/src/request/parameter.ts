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

  /** Returns the value; of a file, its name. */
  value(): string {
    return this.#value;
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
