/**
 * The view of TCP's memory that a handler has at this moment. A stack calls one handler at a time, so that
 * one object serves all its connections.
 */
export class LentView {
  #borrower: object | undefined;
  length = 0;
  /** Bytes that were consumed meanwhile. */
  consumed = 0;
  /** The end of the connection that was asked for meanwhile. */
  endAsked: 'none' | 'drop' | 'abort' = 'none';

  /** Returns true if the connection's handler has a view. */
  isOf(connection: object): boolean {
    return this.#borrower === connection;
  }

  begin(connection: object, length: number): void {
    this.#borrower = connection;
    this.length = length;
    this.consumed = 0;
    this.endAsked = 'none';
  }

  end(): void {
    this.#borrower = undefined;
  }
}
