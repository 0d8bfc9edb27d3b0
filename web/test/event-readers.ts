/** Readers of an event source: the package eventsource, on every stack, and one that shows the bytes. */
import http from 'node:http';
import { Readable } from 'node:stream';
import { EventSource } from 'eventsource';
import type { Bed } from './bed.js';
import { Inbox } from './inbox.js';

/** An event as its program sees it. */
export interface Seen {
  readonly type: string;
  readonly data: string;
  readonly id: string;
}

export interface Reader {
  readonly source: EventSource;
  readonly events: Inbox<Seen>;
  /** Fulfilled when the stream is open; rejected if it is refused for good. */
  readonly opened: Promise<void>;
}

/** The global `fetch` over the bed's stack, as far as `EventSource` needs it. */
function fetchOver({ open, port }: Bed, more: http.OutgoingHttpHeaders): typeof fetch {
  return (url, init = {}) =>
    new Promise((resolve, reject) => {
      const { href, pathname, search } = new URL(url instanceof Request ? url.url : url);
      const headers = { ...Object.fromEntries(new Headers(init.headers)), ...more };
      const request = http.request({ path: pathname + search, port, headers, createConnection: open });
      init.signal?.addEventListener('abort', () => request.destroy());
      request.once('error', reject);
      request.once('response', (answer) => {
        const { statusCode: status = 0, headers: given } = answer;
        const body = Readable.toWeb(answer) as ReadableStream<Uint8Array>;
        const response = new Response(body, {
          status,
          headers: { 'content-type': given['content-type'] ?? '' },
        });
        Object.defineProperty(response, 'url', { value: href });
        resolve(response);
      });
      request.end();
    });
}

/**
 * Opens a stream that comes back when it is lost.
 * @param types types of events that are wanted beside `message`.
 * @param more headers of the requests, such as `Last-Event-ID` of the first one.
 */
export function openReader(
  made: Bed,
  path: string,
  types: readonly string[] = [],
  more: http.OutgoingHttpHeaders = {},
): Reader {
  const source = new EventSource(`http://127.0.0.1:${made.port}${path}`, { fetch: fetchOver(made, more) });
  const events = new Inbox<Seen>();
  for (const type of ['message', ...types]) {
    source.addEventListener(type, (event) => {
      events.put({ type: event.type, data: String(event.data), id: event.lastEventId });
    });
  }
  const opened = new Promise<void>((resolve, reject) => {
    source.addEventListener('open', () => {
      resolve();
    });
    source.addEventListener('error', (event) => {
      if (source.readyState === source.CLOSED) reject(new Error(`refused with ${event.code}`));
    });
  });
  return { source, events, opened };
}

/** A stream whose bytes a test reads. */
export interface RawReader {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** Takes the text of the stream up to the end of `wanted`, as soon as it is there. */
  readonly until: (wanted: string) => Promise<string>;
  /** Fulfilled with the text that was not taken when the stream is over. */
  readonly ended: Promise<string>;
  readonly answer: http.IncomingMessage;
}

/** Opens a stream. */
export function openRawReader(
  { open, port }: Bed,
  path: string,
  headers: http.OutgoingHttpHeaders = {},
): Promise<RawReader> {
  return new Promise((resolve, reject) => {
    const request = http.request({ path, port, headers, createConnection: open });
    request.once('error', reject);
    request.once('response', (answer) => {
      let text = '';
      const looks = new Set<() => void>();
      answer.setEncoding('utf8');
      answer.on('data', (more: string) => {
        text += more;
        for (const look of looks) look();
      });
      const ended = new Promise<string>((done) => {
        answer.once('close', () => {
          done(text);
        });
      });
      const until = (wanted: string): Promise<string> =>
        new Promise((done) => {
          const look = (): void => {
            const at = text.indexOf(wanted);
            if (at < 0) return;
            looks.delete(look);
            const end = at + wanted.length;
            done(text.slice(0, end));
            text = text.slice(end);
          };
          looks.add(look);
          look();
        });
      answer.on('error', () => undefined);
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, until, ended, answer });
    });
    request.end();
  });
}
