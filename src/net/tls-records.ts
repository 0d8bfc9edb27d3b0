/**
 * The ends of TLS records in a stream of bytes. A record is a type, a version and a length, 5 bytes in all,
 * and as many bytes as the length says (RFC 8446, 5.1).
 */
const HEADER_BYTES = 5;
/** Places of the two bytes of the length in the header. */
const LENGTH_HIGH = 3;
const LENGTH_LOW = 4;

export class TlsRecords {
  /** Bytes of the present record's header that have come: after the last one the body follows. */
  #header = 0;
  #lengthHigh = 0;
  /** Bytes of the present record's body that have not come. */
  #body = 0;

  /** Returns the number of bytes up to the end of the present record, at most all; 0 without bytes. */
  take(bytes: Uint8Array): number {
    let at = 0;
    while (this.#header < HEADER_BYTES) {
      const byte = bytes[at];
      if (byte === undefined) return at;
      if (this.#header === LENGTH_HIGH) this.#lengthHigh = byte;
      if (this.#header === LENGTH_LOW) this.#body = this.#lengthHigh * 256 + byte;
      this.#header += 1;
      at += 1;
    }
    const end = Math.min(bytes.length, at + this.#body);
    this.#body -= end - at;
    if (this.#body === 0) this.#header = 0;
    return end;
  }
}
