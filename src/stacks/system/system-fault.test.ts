import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, Socket, type AddressInfo, type TcpNetConnectOpts } from 'node:net';
import { describe, it } from 'node:test';
import { ErrorCode } from '../../port/error-code.js';
import { connectionFault, listenFault, lookupFault } from './system-fault.js';

function systemError(code: string, syscall = 'read'): Error {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
}

const CONNECTION: Readonly<Record<string, ErrorCode>> = {
  ECONNREFUSED: ErrorCode.ERR_RST,
  ECONNRESET: ErrorCode.ERR_RST,
  EPIPE: ErrorCode.ERR_RST,
  ENOTCONN: ErrorCode.ERR_RST,
  ECONNABORTED: ErrorCode.ERR_ABRT,
  ECANCELED: ErrorCode.ERR_ABRT,
  ETIMEDOUT: ErrorCode.ERR_TIMEOUT,
  ENETUNREACH: ErrorCode.ERR_RTE,
  EHOSTUNREACH: ErrorCode.ERR_RTE,
  EHOSTDOWN: ErrorCode.ERR_RTE,
  EACCES: ErrorCode.ERR_RTE,
  EPERM: ErrorCode.ERR_RTE,
  ENETDOWN: ErrorCode.ERR_IF,
  ENODEV: ErrorCode.ERR_IF,
  EADDRINUSE: ErrorCode.ERR_USE,
  EADDRNOTAVAIL: ErrorCode.ERR_VAL,
  EAFNOSUPPORT: ErrorCode.ERR_VAL,
  EINVAL: ErrorCode.ERR_VAL,
  EMFILE: ErrorCode.ERR_MEM,
  ENFILE: ErrorCode.ERR_MEM,
  ENOMEM: ErrorCode.ERR_MEM,
  ENOBUFS: ErrorCode.ERR_MEM,
};

describe("a connection's fault", () => {
  for (const [code, expected] of Object.entries(CONNECTION)) {
    it(`${code} is ${expected}, with the system's error as cause`, () => {
      const cause = systemError(code);
      assert.deepEqual(connectionFault(cause, false), { code: expected, cause });
    });
  }

  it('that is unknown, or none of the system, is a failed interface', () => {
    const strange: Error[] = [
      systemError('EWHATEVER'),
      new Error('no code'),
      Object.assign(new Error('a number'), { code: 104 }),
      systemError(''),
    ];
    for (const cause of strange)
      assert.deepEqual(connectionFault(cause, false), { code: ErrorCode.ERR_IF, cause });
  });
});

describe("a listener's fault", () => {
  it("is a connection's, but EACCES is a port that this user may not have", () => {
    for (const [code, expected] of Object.entries(CONNECTION)) {
      const cause = systemError(code, 'listen');
      const code_ = code === 'EACCES' ? ErrorCode.ERR_VAL : expected;
      assert.deepEqual(listenFault(cause), { code: code_, cause });
    }
  });
});

describe("a lookup's fault", () => {
  it('is ERR_DNS for every reason', () => {
    for (const cause of [systemError('ENOTFOUND'), systemError('EAI_AGAIN'), systemError('EMFILE')]) {
      assert.deepEqual(lookupFault(cause), { code: ErrorCode.ERR_DNS, cause });
    }
  });
});

/** Returns the error with which such a connect ends. */
async function connectError(options: TcpNetConnectOpts): Promise<Error> {
  const socket = new Socket();
  socket.connect(options);
  const [error] = (await once(socket, 'error')) as [Error];
  return error;
}

describe('the real system', () => {
  it('says of a local address that this machine does not have what ERR_VAL is', async () => {
    // RFC 5737: no machine has it.
    const error = await connectError({ host: '127.0.0.1', port: 1, localAddress: '203.0.113.1' });
    assert.match(error.message, /EADDRNOTAVAIL/);
    assert.equal(connectionFault(error, false).code, ErrorCode.ERR_VAL);
  });

  it('says the same to a listener', async () => {
    const server = createServer().listen(0, '203.0.113.1');
    const [error] = (await once(server, 'error')) as [Error];
    assert.match(error.message, /EADDRNOTAVAIL/);
    assert.equal(listenFault(error).code, ErrorCode.ERR_VAL);
  });

  it('says of a local port that is connected to this peer already what ERR_USE is: other ports are free', async () => {
    const server = createServer((socket) => socket.on('error', () => undefined).resume()).listen(
      0,
      '127.0.0.1',
    );
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const first = new Socket();
    first.connect({ host: '127.0.0.1', port, localAddress: '127.0.0.1' });
    await once(first, 'connect');
    try {
      const localPort = first.localPort ?? 0;
      const error = await connectError({ host: '127.0.0.1', port, localAddress: '127.0.0.1', localPort });
      assert.equal(connectionFault(error, true).code, ErrorCode.ERR_USE, error.message);
    } finally {
      first.destroy();
      server.close();
    }
  });

  it('distinguishes a port that is taken from one where nothing listens', async () => {
    const first = createServer().listen(0, '127.0.0.1');
    await once(first, 'listening');
    const { port } = first.address() as AddressInfo;
    const second = createServer().listen(port, '127.0.0.1');
    const [inUse] = (await once(second, 'error')) as [Error];
    assert.equal(listenFault(inUse).code, ErrorCode.ERR_USE);
    first.close();
    await once(first, 'close');
    const refused = await connectError({ host: '127.0.0.1', port });
    assert.equal(connectionFault(refused, false).code, ErrorCode.ERR_RST);
  });
});
