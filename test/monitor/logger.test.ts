/** The program's logger gets the library's warnings and the monitor's events: pino as it is. */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { pino } from 'pino';
import { AsyncClient, AsyncServer, memoryStack, setLogger, type Logger } from 'asynctcp';
import { startMonitor } from 'asynctcp/monitor';

const ADDRESS = '127.0.0.1';
const PORT = 7007;

afterEach(() => {
  setLogger(undefined);
});

interface Entry {
  readonly level: number;
  readonly module: string;
  readonly event?: string;
  readonly connection?: number;
  readonly msg: string;
}

/** pino's numbers of the levels. */
const [INFO, WARN, ERROR] = [30, 40, 50];

describe('a logger', () => {
  it('may be that of pino', async () => {
    const entries: Entry[] = [];
    setLogger(
      pino({ base: null }, { write: (line: string) => void entries.push(JSON.parse(line) as Entry) }),
    );
    const stack = memoryStack({ maxActiveTcp: 1 });
    const monitor = startMonitor({ clock: stack.clock });
    const server = new AsyncServer(ADDRESS, PORT, { stack });
    server.onClient(() => undefined);
    await server.begin();
    const refused = new AsyncClient({ stack });
    // The limit of the stack has no place for the other end.
    refused.connect(ADDRESS, PORT);
    await stack.run(1000);
    await server.end();
    monitor.end();
    assert.deepEqual(
      entries.map(({ level, module, event, msg }) => [level, module, event ?? '', msg.split(' ')[0]]),
      [
        [INFO, 'asynctcp', 'listen', '127.0.0.1'],
        [WARN, 'asynctcp', '', 'the'],
        [ERROR, 'asynctcp', 'error', 'ERR_RST:'],
        [WARN, 'asynctcp', 'refuse', '1'],
        [INFO, 'asynctcp', 'stop', '127.0.0.1'],
      ],
    );
    assert.match(entries[1]?.msg ?? '', /has reached its limit of connections, 1/);
  });

  it('may be any object with the three methods', async () => {
    const lines: string[] = [];
    const write = (fields: object, text: string): void => {
      lines.push(`${text} ${JSON.stringify(fields)}`);
    };
    const logger: Logger = { info: write, warn: write, error: write };
    setLogger(logger);
    const stack = memoryStack();
    const monitor = startMonitor({ clock: stack.clock });
    const server = new AsyncServer(ADDRESS, PORT, { stack });
    await server.begin();
    monitor.end();
    await server.end();
    assert.deepEqual(lines, ['127.0.0.1 port 7007 listens {"module":"asynctcp","event":"listen"}']);
  });

  it('is refused without one of them', () => {
    const method = (): void => undefined;
    const whole = { info: method, warn: method, error: method };
    assert.throws(() => {
      setLogger({ ...whole, error: undefined } as unknown as Logger);
    }, /^TypeError: logger must have the methods info, warn, error; its error is undefined$/);
    assert.throws(() => {
      setLogger('pino' as unknown as Logger);
    }, /^TypeError: logger must be an object, not "pino"$/);
  });
});
