import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode } from '../port/error-code.js';
import { TcpState } from '../port/tcp-state.js';
import type { TcpStack } from '../port/tcp-stack.js';
import { MemoryStack } from '../stacks/memory/memory-stack.js';
import { AsyncServer, type ServerOptions } from './async-server.js';
import { TcpError } from './tcp-error.js';

const stack = new MemoryStack();

/** What JavaScript's callers may pass in spite of the types. */
type UntypedServer = new (...args: unknown[]) => AsyncServer;
const Untyped = AsyncServer as UntypedServer;

/** The stack as a runtime with, or without, this capability has it. */
function stackWith(reusePort: boolean): TcpStack {
  const capabilities = { ...stack.capabilities, reusePort };
  return Object.create(stack, { capabilities: { value: capabilities } }) as TcpStack;
}

describe('the constructor', () => {
  it('takes a port, a port with options, an address with a port, all three', () => {
    const made: [server: AsyncServer, port: number, address: string][] = [
      [new AsyncServer(7, { stack }), 7, '::'],
      [new AsyncServer(7, { stack, address: '127.0.0.1' }), 7, '127.0.0.1'],
      [new AsyncServer('::1', 7, { stack }), 7, '::1'],
      [new AsyncServer('::1', 7, { stack, address: '127.0.0.1' }), 7, '::1'],
      [new AsyncServer(0, { stack }), 0, '::'],
      [new AsyncServer(65_535, { stack }), 65_535, '::'],
    ];
    for (const [server, port, address] of made) {
      assert.deepEqual([server.port(), server.address(), server.status()], [port, address, TcpState.CLOSED]);
    }
  });

  it('does not change the options that it is given', () => {
    const options: ServerOptions = Object.freeze({ stack, address: '127.0.0.1' });
    assert.equal(new AsyncServer('::1', 7, options).address(), '::1');
    assert.equal(options.address, '127.0.0.1');
  });

  it('takes options that are undefined for not given', () => {
    const options = {
      stack,
      address: undefined,
      backlog: undefined,
      reusePort: undefined,
      maxClients: undefined,
    };
    assert.equal(new Untyped(7, options).address(), '::');
  });

  const least = { backlog: 1, maxClients: 1, receiveWindow: 1024 };
  const most = { backlog: 65_535, maxClients: Number.MAX_SAFE_INTEGER, receiveWindow: 1_073_741_824 };
  it('takes the ends of every range', () => {
    for (const ends of [least, most]) assert.equal(new AsyncServer(7, { stack, ...ends }).port(), 7);
  });

  const PORT = 'port must be an integer from 0 to 65535, not ';
  const BACKLOG = 'backlog must be an integer from 1 to 65535, not ';
  const CLIENTS = `maxClients must be an integer from 1 to ${Number.MAX_SAFE_INTEGER}, not `;
  const WINDOW = 'receiveWindow must be an integer from 1024 to 1073741824 bytes, not ';
  const WRONG: readonly [args: unknown[], error: string][] = [
    [[], `TypeError: ${PORT}undefined`],
    [[null], `TypeError: ${PORT}null`],
    [['80'], `TypeError: ${PORT}undefined`],
    [[65_536], `RangeError: ${PORT}65536`],
    [[-1], `RangeError: ${PORT}-1`],
    [[1.5], `RangeError: ${PORT}1.5`],
    [['127.0.0.1'], `TypeError: ${PORT}undefined`],
    [['127.0.0.1', '80'], `TypeError: ${PORT}"80"`],
    [['localhost', 7], 'RangeError: address must be an IP address, not "localhost"'],
    [['', 7], 'RangeError: address must be an IP address, not ""'],
    [[7, { address: '1.2.3' }], 'RangeError: address must be an IP address, not "1.2.3"'],
    [[7, { address: 5 }], 'TypeError: address must be an IP address, not 5'],
    [[7, 8], 'TypeError: options must be an object, not 8'],
    [[7, '127.0.0.1'], 'TypeError: options must be an object, not "127.0.0.1"'],
    [['::1', 7, true], 'TypeError: options must be an object, not true'],
    [[7, (): void => undefined], 'TypeError: options must be an object, not a function'],
    [[7, { backlog: 0 }], `RangeError: ${BACKLOG}0`],
    [[7, { backlog: 65_536 }], `RangeError: ${BACKLOG}65536`],
    [[7, { backlog: '5' }], `TypeError: ${BACKLOG}"5"`],
    [[7, { maxClients: 0 }], `RangeError: ${CLIENTS}0`],
    [[7, { maxClients: 2 ** 53 }], `RangeError: ${CLIENTS}9007199254740992`],
    [[7, { maxClients: Number.POSITIVE_INFINITY }], `RangeError: ${CLIENTS}Infinity`],
    [[7, { receiveWindow: 1023 }], `RangeError: ${WINDOW}1023`],
    [[7, { receiveWindow: 2 ** 30 + 1 }], `RangeError: ${WINDOW}1073741825`],
    [[7, { receiveWindow: '4096' }], `TypeError: ${WINDOW}"4096"`],
    [[7, { reusePort: 1 }], 'TypeError: reusePort must be true or false, not 1'],
    [[7, { stack: 'pigeon' }], 'RangeError: stack must be one of .* or a TcpStack, not "pigeon"'],
    [[7, { stack: 5 }], 'RangeError: stack must be one of .* or a TcpStack, not 5'],
  ];
  for (const [args, error] of WRONG) {
    it(`names argument, value and range: ${error}`, () => {
      assert.throws(() => new Untyped(...args), new RegExp(`^${error}$`));
    });
  }

  it('names an object that is no stack', () => {
    assert.throws(() => new Untyped(7, { stack: {} }), /stack must be .*not \[object Object\]/);
  });
});

describe('reusePort', () => {
  it('on a runtime without it is an error that says which stack cannot', () => {
    assert.throws(() => new AsyncServer(7, { stack: stackWith(false), reusePort: true }), {
      name: 'RangeError',
      message: 'reusePort must be false on the memory stack of this runtime, which cannot share a port',
    });
    assert.equal(new AsyncServer(7, { stack: stackWith(false), reusePort: false }).port(), 7);
  });

  it('on a runtime with it is taken', () => {
    assert.equal(new AsyncServer(7, { stack: stackWith(true), reusePort: true }).port(), 7);
  });
});

describe('a setting', () => {
  it('checks what it is given, and keeps the former value', () => {
    const server = new AsyncServer(7, { stack });
    server.setNoDelay(true);
    const untyped = server as unknown as Record<'setNoDelay' | 'onClient', (value: unknown) => void>;
    assert.throws(() => untyped.setNoDelay(1), /^TypeError: setNoDelay must be true or false, not 1$/);
    assert.equal(server.getNoDelay(), true);
    assert.throws(() => untyped.onClient(null), /^TypeError: onClient must be given a function or undefined/);
  });
});

describe('begin()', () => {
  /** A stack as the system is that finds out later. */
  function failingLater(): TcpStack {
    const listen: TcpStack['listen'] = (target, events) => {
      const listener = stack.listen(target, { ...events, onListening: () => undefined });
      if ('local' in listener) listener.close();
      stack.post(() => {
        const cause = new Error('bind EADDRNOTAVAIL');
        events.onFailed({ code: ErrorCode.ERR_VAL, cause });
      });
      return listener;
    };
    return Object.create(stack, { listen: { value: listen } }) as TcpStack;
  }

  it('that fails later is rejected with what was tried', async () => {
    const server = new AsyncServer('203.0.113.1', 0, { stack: failingLater() });
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await assert.rejects(server.begin(), (error: unknown) => {
        assert.ok(error instanceof TcpError);
        assert.equal(error.code, ErrorCode.ERR_VAL);
        assert.match(
          error.message,
          /^listen on 203\.0\.113\.1 port 0: value that cannot be used \(.*EADDRNOTAVAIL/,
        );
        return true;
      });
      assert.equal(server.status(), TcpState.CLOSED);
    }
  });

  it('of a port that is taken is rejected, and comes true when the port is free', async () => {
    await using first = new AsyncServer('127.0.0.1', 0, { stack });
    await first.begin();
    await using second = new AsyncServer('127.0.0.1', first.port(), { stack });
    await assert.rejects(second.begin(), { name: 'TcpError', code: ErrorCode.ERR_USE });
    await first.end();
    await second.begin();
    assert.equal(second.status(), TcpState.LISTEN);
    assert.equal(second.address(), '127.0.0.1');
  });

  it('overtaken by end() resolves, for the program ended it itself, and the port stays free', async () => {
    for (const address of [undefined, '127.0.0.1']) {
      const server = new AsyncServer(0, { stack, ...(address === undefined ? {} : { address }) });
      const begun = server.begin();
      const ended = server.end();
      await begun;
      await ended;
      assert.equal(server.status(), TcpState.CLOSED);
      assert.equal(stack.holdings().listeners, 0);
    }
  });

  it('called again is the same listening, and tells the real port', async () => {
    await using server = new AsyncServer('127.0.0.1', 0, { stack });
    await Promise.all([server.begin(), server.begin()]);
    const port = server.port();
    await server.begin();
    assert.equal(server.port(), port);
    assert.ok(port > 0);
    await server.end();
    await server.end();
    assert.equal(server.port(), 0);
  });
});
