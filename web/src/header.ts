/** A header of a request or of a response. */

export class AsyncWebHeader {
  readonly #name: string;
  readonly #value: string;

  constructor(name: string, value: string) {
    this.#name = name;
    this.#value = value;
  }

  /** Returns the name, as it was written. */
  name(): string {
    return this.#name;
  }

  /** Returns the value. */
  value(): string {
    return this.#value;
  }

  /** Returns the header as a line. */
  toString(): string {
    return `${this.#name}: ${this.#value}`;
  }
}
