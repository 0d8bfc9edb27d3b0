import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode } from '../../port/error-code.js';
import type { Connection, ConnectionEvents, Fault } from '../../port/tcp-stack.js';
import { DEFAULT_BUFFER_BYTES, hasReusePort, NodeStack } from './node-stack.js';
import type { Lookup } from '../system/system-stack-options.js';

describe('reusePort', () => {
  const WITHOUT = ['18.20.4', '20.19.0', '22.0.0', '22.11.99', '23.0.9', '21.99.0', '0.12.18'];
  const WITH = ['22.12.0', '22.13.1', '23.1.0', '23.11.0', '24.0.0', '26.0.0', '100.0.0'];

  it('is had from Node 22.12 and 23.1 on', () => {
    for (const version of WITHOUT) assert.equal(hasReusePort(version, 'linux'), false, version);
    for (const version of WITH) assert.equal(hasReusePort(version, 'linux'), true, version);
  });

  it('is had where the system spreads connections over the listeners', () => {
    for (const platform of ['linux', 'freebsd', 'aix', 'sunos']) {
      assert.equal(hasReusePort('24.0.0', platform), true, platform);
      assert.equal(hasReusePort('20.19.0', platform), false, platform);
    }
    for (const platform of ['darwin', 'win32', 'openbsd', 'android', 'cygwin', '']) {
      assert.equal(hasReusePort('24.0.0', platform), false, platform);
    }
  });

  it('is detected on this runtime', () => {
    const { capabilities } = new NodeStack();
    assert.equal(capabilities.reusePort, hasReusePort(process.versions.node, process.platform));
  });
});

describe('the limits', () => {
  it('are the defaults where nothing else is said', () => {
    assert.deepEqual(new NodeStack({ maxActiveTcp: undefined, sendBufferBytes: undefined }).limits, {
      maxActiveTcp: undefined,
      sendBufferBytes: DEFAULT_BUFFER_BYTES,
      receiveWindowBytes: DEFAULT_BUFFER_BYTES,
      sendBudgetBytes: 268_435_456,
      closeTimeoutMs: 30_000,
    });
  });

  it('are those that are given', () => {
    const limits = {
      maxActiveTcp: 1,
      sendBufferBytes: 2,
      receiveWindowBytes: 3,
      sendBudgetBytes: 4,
      closeTimeoutMs: 5,
    };
    assert.deepEqual(new NodeStack(limits).limits, limits);
  });
});

function resolved(lookup: Lookup): Promise<[fault: Fault | undefined, addresses: readonly string[]]> {
  return new Promise((resolve) => {
    new NodeStack({ lookup }).resolve('a.example', (fault, addresses) => {
      resolve([fault, addresses]);
    });
  });
}

describe('resolve()', () => {
  it("gives the lookup's addresses in its order", async () => {
    const addresses = ['::1', '127.0.0.1', '::2'];
    assert.deepEqual(await resolved((_, answer) => setImmediate(answer, null, addresses)), [
      undefined,
      addresses,
    ]);
  });

  it('makes ERR_DNS of an error, which is the cause, and of an answer without addresses', async () => {
    const cause = new Error('unknown');
    assert.deepEqual(await resolved((_, answer) => setImmediate(answer, cause, ['::1'])), [
      { code: ErrorCode.ERR_DNS, cause },
      [],
    ]);
    assert.deepEqual(await resolved((_, answer) => setImmediate(answer, null, [])), [
      { code: ErrorCode.ERR_DNS },
      [],
    ]);
  });

  it('that was taken back does not answer', async () => {
    let answered = false;
    await new Promise<void>((resolve) => {
      const stack = new NodeStack({
        lookup: (_, answer) =>
          setImmediate(() => {
            answer(null, ['::1']);
            resolve();
          }),
      });
      const cancel = stack.resolve('a.example', () => (answered = true));
      cancel();
      cancel();
    });
    assert.equal(answered, false);
  });

  it("asks the system's resolver, which knows localhost", async () => {
    const addresses = await new Promise<readonly string[]>((resolve) => {
      new NodeStack().resolve('localhost', (_, found) => {
        resolve(found);
      });
    });
    assert.ok(addresses.includes('127.0.0.1') || addresses.includes('::1'), addresses.join());
  });
});

describe('a look-up of the user’s own', () => {
  const strange: [string, Lookup][] = [
    ['answers at once', (_, answer) => answer(new Error('no such name'), [])],
    [
      'answers twice',
      (_, answer) => {
        answer(new Error('no such name'), []);
        answer(null, ['127.0.0.1']);
      },
    ],
    [
      'throws',
      () => {
        throw new Error('no resolver');
      },
    ],
  ];

  for (const [what, lookup] of strange) {
    it(`that ${what} gives one answer, after the call`, async () => {
      const answers: unknown[] = [];
      new NodeStack({ lookup }).resolve('name.test', (fault) => answers.push(fault?.code));
      assert.deepEqual(answers, []);
      for (let turns = 0; turns < 3; turns += 1) await turn();
      assert.deepEqual(answers, [ErrorCode.ERR_DNS]);
    });
  }
});

describe('the symbols that the stack honours', () => {
  it('are those of its limits', () => {
    assert.deepEqual([...new NodeStack().honours].sort(), [
      'CONFIG_ASYNC_TCP_CLOSE_TIMEOUT',
      'CONFIG_ASYNC_TCP_SND_BUDGET',
      'CONFIG_LWIP_MAX_ACTIVE_TCP',
      'CONFIG_LWIP_TCP_SND_BUF_DEFAULT',
      'CONFIG_LWIP_TCP_WND_DEFAULT',
    ]);
  });
});

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const NOTHING_HELD = { attempts: 0, connections: 0, listeners: 0, lingering: 0, timers: 0 };

describe('close() of the stack', () => {
  /** A stack with an attempt, a listener, two connections with each other and one that lingers. */
  async function busy(): Promise<{ stack: NodeStack; events: string[] }> {
    const stack = new NodeStack();
    const events: string[] = [];
    const accepted: Connection[] = [];
    const receiver: ConnectionEvents = {
      onData: () => events.push('data'),
      onAcked: () => events.push('acked'),
      onEnd: () => events.push('end'),
      onClosed: () => events.push('closed'),
    };
    const listener = stack.listen(
      { address: undefined, port: 0, backlog: undefined, reusePort: false },
      {
        onListening: () => undefined,
        onFailed: () => events.push('failed'),
        onAccepted: (connection) => {
          accepted.push(connection);
          return receiver;
        },
        onAcceptFailed: () => events.push('accept failed'),
      },
    );
    assert.ok('local' in listener);
    const target = { address: '127.0.0.1', port: listener.local.port, localPort: 0 };
    const connect = (): Promise<Connection> =>
      new Promise((resolve) => {
        const onConnected = (connection: Connection): ConnectionEvents => {
          resolve(connection);
          return receiver;
        };
        stack.connect(target, { onConnected, onFailed: () => events.push('failed') });
      });
    const first = await connect();
    await connect();
    while (accepted.length < 2) await turn();
    first.close();
    while (events.length < 2) await turn();
    assert.deepEqual(events.splice(0).sort(), ['closed', 'end']);
    void connect();
    assert.deepEqual(stack.holdings(), {
      attempts: 1,
      connections: 3,
      listeners: 1,
      lingering: 1,
      timers: 1,
    });
    return { stack, events };
  }

  it('resets everything without an event, and resolves when nothing is left', async () => {
    const { stack, events } = await busy();
    await stack.close();
    assert.deepEqual(stack.holdings(), NOTHING_HELD);
    await stack.close();
    assert.deepEqual(events, []);
    const isSocket = (kind: string): boolean => kind.startsWith('TCP');
    // The runtime lists a handle until the end of the turn that closed it.
    while (process.getActiveResourcesInfo().some(isSocket)) await turn();
  });
});
