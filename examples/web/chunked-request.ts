/** A body without a known length: prints the lines of a log as they come, and answers with how many came. */
import { StringDecoder } from 'node:string_decoder';
import { AsyncWebServer, HTTP_POST, HttpError, type AsyncWebServerRequest } from 'asynctcp-web';
import { options, port, serve } from './serve.js';

const MAX_LINE = 1000;

/** The lines of one request. A piece of the body may end anywhere, also within a character. */
class Log {
  lines = 0;
  bytes = 0;
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  take(data: Uint8Array): void {
    this.bytes += data.length;
    const lines = (this.#rest + this.#decoder.write(Buffer.from(data))).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#print(line);
    if (this.#rest.length > MAX_LINE) throw new HttpError(413, `a line has more than ${MAX_LINE} characters`);
  }

  end(): void {
    const last = this.#rest + this.#decoder.end();
    if (last !== '') this.#print(last);
  }

  #print(line: string): void {
    this.lines += 1;
    console.log(`${this.lines}: ${line}`);
  }
}

function logOf(request: AsyncWebServerRequest): Log {
  const known = request.getAttribute('log');
  if (known instanceof Log) return known;
  const log = new Log();
  request.setAttribute('log', log);
  return log;
}

const server = new AsyncWebServer(port, options);

server.on(
  '/log',
  HTTP_POST,
  (request) => {
    const log = logOf(request);
    if (log.bytes === 0) throw new HttpError(400, 'there is no log: no body, or a form');
    log.end();
    const kind = request.hasHeader('Content-Length') ? 'of known length' : 'in chunks';
    request.send(200, 'text/plain', `${log.lines} lines, ${log.bytes} bytes ${kind}\n`);
  },
  undefined,
  (request, data) => logOf(request).take(data),
);

await serve(server);
