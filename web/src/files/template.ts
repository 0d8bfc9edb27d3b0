/** Replaces `%NAME%` in a file, for the names that the program has given. */
import { after } from '../interval.js';
import type { AsyncWebServerRequest } from '../request/request.js';

/** Returns the text that takes the place of a name. */
export type TemplateFunction = (
  request: AsyncWebServerRequest,
  name: string,
) => string | number | Promise<string | number>;

/** Text that takes the place of a name, or what returns it. */
export type TemplateValue = string | number | TemplateFunction;

/** The names, and what takes their places. */
export type TemplateProcessor = Readonly<Record<string, TemplateValue>> | ReadonlyMap<string, TemplateValue>;

/** A value of a template has not come in time. */
export class LateValueError extends Error {}

const PERCENT = 0x25;

export class Template {
  /** By the bytes of the name, a character each. */
  readonly #values = new Map<string, { readonly name: string; readonly value: TemplateValue }>();
  #longest = 0;

  /**
   * Makes a template.
   * @param names those of a function; a record and a map have their own.
   * @throws RangeError for a name that is empty or has a percent sign.
   */
  constructor(processor: TemplateProcessor | TemplateFunction, names: Iterable<string> = []) {
    for (const [name, value] of entriesOf(processor, names)) {
      if (name === '' || name.includes('%')) {
        throw new RangeError(`a name must have a character, and no percent sign; it is '${name}'`);
      }
      const key = Buffer.from(name).toString('latin1');
      this.#values.set(key, { name, value });
      this.#longest = Math.max(this.#longest, key.length);
    }
  }

  /**
   * Yields the text with each name replaced. Other percent signs stay, and what takes a place is not looked
   * through.
   */
  async *replaced(
    pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    request: AsyncWebServerRequest,
  ): AsyncGenerator<Uint8Array | string> {
    let rest: Buffer = Buffer.alloc(0);
    for await (const piece of pieces) {
      rest =
        rest.length === 0
          ? Buffer.from(piece.buffer, piece.byteOffset, piece.length)
          : Buffer.concat([rest, piece]);
      rest = yield* this.#replace(rest, request, false);
    }
    yield* this.#replace(rest, request, true);
  }

  /** Returns what may be the beginning of a name, unless the text `isOver`. */
  async *#replace(
    text: Buffer,
    request: AsyncWebServerRequest,
    isOver: boolean,
  ): AsyncGenerator<Uint8Array | string, Buffer> {
    let done = 0;
    for (let open = text.indexOf(PERCENT); open >= 0;) {
      const close = text.indexOf(PERCENT, open + 1);
      if (close < 0) {
        const mayBeName = !isOver && text.length - open - 1 <= this.#longest;
        const end = mayBeName ? open : text.length;
        if (end > done) yield text.subarray(done, end);
        return text.subarray(end);
      }
      const found =
        close - open - 1 > this.#longest
          ? undefined
          : this.#values.get(text.toString('latin1', open + 1, close));
      if (found === undefined) {
        open = close;
        continue;
      }
      if (open > done) yield text.subarray(done, open);
      const { name, value } = found;
      yield String(typeof value === 'function' ? await valueOf(value, request, name) : value);
      done = close + 1;
      open = text.indexOf(PERCENT, done);
    }
    if (done < text.length) yield text.subarray(done);
    return text.subarray(text.length);
  }
}

/**
 * Returns what a function of the program gives.
 * @throws LateValueError if that takes longer than `answerMs`.
 */
async function valueOf(
  value: TemplateFunction,
  request: AsyncWebServerRequest,
  name: string,
): Promise<string | number> {
  const given = value(request, name);
  if (!(given instanceof Promise)) return given;
  const { answerMs } = request.limits;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = after(answerMs, () => {
      reject(new LateValueError(`the value of ${name} has not come within ${answerMs} ms`));
    });
  });
  try {
    return await Promise.race([given, late]);
  } finally {
    clearTimeout(timer);
  }
}

function entriesOf(
  processor: TemplateProcessor | TemplateFunction,
  names: Iterable<string>,
): Iterable<readonly [string, TemplateValue]> {
  if (typeof processor === 'function') return Array.from(names, (name) => [name, processor] as const);
  return isMap(processor) ? processor : Object.entries(processor);
}

function isMap(processor: TemplateProcessor): processor is ReadonlyMap<string, TemplateValue> {
  return processor instanceof Map;
}
