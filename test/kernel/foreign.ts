/** The stack `kernel` with foreign programs: curl, nc, Python, and the kernel's own tables. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { fileURLToPath } from 'node:url';
import {
  AsyncServer,
  ErrorCode,
  kernelStack,
  nodeStack,
  type AsyncClient,
  type Packet,
  type TcpStack,
} from 'asynctcp';
import { History } from '../contract/history.js';
import { pattern, PatternReader } from '../contract/pattern.js';
import type { Scenario } from './scenario.js';
import { ADDRESS, kernelEnd, kernelSockets, type Linked, type World } from './world.js';
import { nextTurn } from '../support/until.js';
import { heldBy } from '../support/stacks.js';

const MIB = 1_048_576;

/** Answers each request with the addresses of both ends, and closes. */
function answerHttp(client: AsyncClient): void {
  let request = '';
  client.onData((_, data) => {
    request += new TextDecoder().decode(data);
    if (!request.endsWith('\r\n\r\n')) return;
    const body = `${client.remoteIP()} asked ${client.localIP()}\n`;
    client.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    client.close();
  });
}

/** Sends `bytes` bytes of a pattern as there is space, then calls `then`. */
function sendPattern(history: History, seed: number, bytes: number, then: () => void): void {
  let taken = 0;
  const go = (): void => {
    while (taken < bytes && history.client.canSend()) {
      taken += history.client.write(pattern(seed, taken, Math.min(50_000, bytes - taken)));
      if (taken === bytes) then();
    }
  };
  history.onEvent = (event) => {
    if (event === 'ack') go();
  };
  go();
}

const VISITORS: readonly Scenario[] = [
  {
    title: 'curl is answered over IPv4 and IPv6, and a server for both reports an IPv4 peer as IPv4',
    ownNetwork: true,
    usesIpv6: true,
    needs: ['curl'],
    async run(world) {
      const ask = async (url: string): Promise<string> =>
        world.start('curl', '--silent', '--show-error', '--globoff', '--max-time', '60', url).output();
      const four = await world.serve(answerHttp, { address: '127.0.0.2' });
      assert.equal(await ask(`http://127.0.0.2:${four.port()}/`), '127.0.0.1 asked 127.0.0.2\n');
      const six = await world.serve(answerHttp, { address: '::1' });
      assert.equal(await ask(`http://[::1]:${six.port()}/`), '::1 asked ::1\n');
      const both = new AsyncServer(0, { stack: world.stack });
      both.onClient(answerHttp);
      await both.begin();
      try {
        assert.equal(await ask(`http://127.0.0.3:${both.port()}/`), '127.0.0.1 asked 127.0.0.3\n');
        assert.equal(await ask(`http://[::1]:${both.port()}/`), '::1 asked ::1\n');
      } finally {
        await both.end();
      }
    },
  },
  {
    title: 'curl sees the reset of abort()',
    needs: ['curl'],
    async run(world) {
      const server = await world.serve((client) => {
        client.onData(() => client.abort());
      });
      const curl = world.start('curl', '--silent', `http://${ADDRESS}:${server.port()}/`);
      // CURLE_RECV_ERROR. A FIN instead of the reset would be 52, an empty answer.
      assert.equal((await curl.ended).status, 56);
    },
  },
  {
    title: 'nc is answered over IPv4 and IPv6, and is a server to talk to',
    ownNetwork: true,
    usesIpv6: true,
    needs: ['nc'],
    async run(world) {
      for (const address of [ADDRESS, '::1']) {
        const server = await world.serve(
          (client) => {
            client.setAllowHalfOpen(true);
            let text = '';
            client.onData((_, data) => {
              text += new TextDecoder().decode(data);
            });
            client.onEnd(() => {
              client.write(text.toUpperCase());
              client.close();
            });
          },
          { address },
        );
        const nc = world.start('nc', '-nN', address, String(server.port()));
        nc.endInput('what nc says, all of it');
        assert.equal(await nc.output(), 'WHAT NC SAYS, ALL OF IT');

        const listening = world.start('nc', '-lnvN', address, '0');
        const port = await listening.stderr.number(/^Listening on \S+ (\d+)$/);
        const history = world.client();
        history.connect(address, port);
        await world.until('it is connected', () => history.has('connect'));
        history.client.setAllowHalfOpen(true);
        listening.endInput('nc says');
        await world.until('nc’s end has come', () => history.has('end'));
        assert.equal(history.received, 'nc says');
        assert.equal(history.client.remoteIP(), address);
        history.client.write('and is answered');
        history.client.close();
        assert.equal(await listening.output(), 'and is answered');
      }
    },
  },
];

/** Returns the index of a network interface. */
function indexOf(name: string): string {
  const scope = networkInterfaces()[name]?.find(({ family }) => family === 'IPv6');
  if (scope?.family !== 'IPv6') throw new Error(`${name} has no IPv6 address`);
  return String(scope.scopeid);
}

/** @param zone the zones of both ends of the link in the addresses to connect to. */
async function servesOnLink(
  world: World,
  stack: TcpStack,
  zone: { readonly near: string; readonly far: string },
): Promise<void> {
  const accepted: History[] = [];
  const onClient = (client: AsyncClient): void => {
    accepted.push(new History(client));
  };
  const server = await world.serve(onClient, { address: `fe80::2%${zone.far}`, stack });
  const history = world.client(stack);
  history.connect(`fe80::2%${zone.near}`, server.port(), { localAddress: `fe80::1%${zone.near}` });
  await world.until('both are connected', () => accepted.length === 1 && history.has('connect'));
  history.client.write('over the link');
  await world.until('it has arrived', () => accepted[0]?.received === 'over the link');
  assert.equal(accepted[0]?.client.remoteIP(), 'fe80::1%far');
  assert.deepEqual([history.client.localIP(), history.client.remoteIP()], ['fe80::1%near', 'fe80::2%near']);
  assert.equal(server.address(), 'fe80::2%far');
}

const LINK_LOCAL: readonly Scenario[] = [
  {
    title: 'an address of a link needs its zone, and serves with it',
    ownNetwork: true,
    usesIpv6: true,
    needs: ['python3'],
    async run(world) {
      await world.ip('link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far');
      for (const [end, address] of [
        ['near', 'fe80::1'],
        ['far', 'fe80::2'],
      ] as const) {
        await world.ip('link', 'set', end, 'addrgenmode', 'none');
        await world.ip('link', 'set', end, 'up');
        await world.ip('address', 'add', `${address}/64`, 'dev', end, 'nodad');
      }
      const number = { near: indexOf('near'), far: indexOf('far') };
      for (const stack of [world.stack, nodeStack()]) {
        for (const zone of [{ near: 'near', far: 'far' }, number]) await servesOnLink(world, stack, zone);
      }
      const without = world.client();
      without.connect('fe80::2', 1);
      await world.until('it has failed', () => without.over);
      assert.equal(without.has('connect'), false);
    },
  },
];

/** Opens `count` connections one after the other, and returns the first byte that each receives. */
async function greetings(world: World, port: number, count: number): Promise<string[]> {
  const texts: string[] = [];
  for (let done = 0; done < count; done += 1) {
    const peer = await world.peer.connect(port);
    texts.push(await peer.receive(1));
    await peer.close();
  }
  return texts;
}

/** With this number of connections, the chance that one of two servers gets none is 1 in 2⁶³. */
const ENOUGH = 64;

const SHARING: readonly Scenario[] = [
  {
    title: 'two servers of one process share a port with reusePort, and a third without it may not',
    needs: ['python3'],
    async run(world) {
      const greet = (text: string) => (client: AsyncClient) => {
        client.write(text);
        client.close();
      };
      const first = await world.serve(greet('1'), { reusePort: true });
      const second = await world.serve(greet('2'), { reusePort: true, port: first.port() });
      const seen = await greetings(world, first.port(), ENOUGH);
      assert.deepEqual([...new Set(seen)].sort(), ['1', '2']);
      const third = world.serve(greet('3'), { port: first.port() });
      await assert.rejects(third, { code: ErrorCode.ERR_USE });
      await second.end();
      assert.deepEqual([...new Set(await greetings(world, first.port(), 10))], ['1']);
    },
  },
  {
    title: 'two processes share a port with reusePort, and one goes on when the other has ended',
    needs: ['python3'],
    async run(world) {
      const other = fileURLToPath(new URL('sharing-program.js', import.meta.url));
      const first = world.run(process.execPath, [other, '1', '0']);
      const port = await first.stdout.number(/^port (\d+)$/);
      const second = world.run(process.execPath, [other, '2', String(port)]);
      await second.stdout.number(/^port (\d+)$/);
      const seen = await greetings(world, port, ENOUGH);
      assert.deepEqual([...new Set(seen)].sort(), ['1', '2']);
      await first.kill();
      assert.deepEqual([...new Set(await greetings(world, port, 10))], ['2']);
    },
  },
];

const OPTIONS: readonly Scenario[] = [
  {
    title: 'the kernel keeps alive what asks for it: before it connects, when it stands, when it is accepted',
    needs: ['python3'],
    async run(world) {
      const listener = await world.peer.listen();
      const timerOf = ({ client }: History): string => kernelEnd(client.localPort(), listener.port).timer;
      const [before, later] = [world.client(), world.client()];
      before.client.setKeepAlive(60_000, 3);
      for (const history of [before, later]) {
        history.connect(ADDRESS, listener.port);
        await world.until('it is connected', () => history.has('connect'));
      }
      assert.deepEqual([timerOf(before), timerOf(later)], ['keepalive', 'none']);
      later.client.setKeepAlive(60_000, 3);
      assert.equal(timerOf(later), 'keepalive');
      const accepted: History[] = [];
      const server = await world.serve((client) => {
        client.setKeepAlive(60_000, 3);
        accepted.push(new History(client));
      });
      const peer = await world.peer.connect(server.port());
      await world.until('it is accepted', () => accepted.length === 1);
      assert.equal(kernelEnd(server.port(), peer.port).timer, 'keepalive');
    },
  },
  {
    title: 'a peer that is gone without a word is found out by keep-alive',
    ownNetwork: true,
    needs: ['python3', 'nft'],
    async run(world) {
      const { client, history, listener } = await world.linked();
      client.setKeepAlive(1000, 1);
      await world.cut(`tcp dport ${listener.port}`);
      await world.until('it is over', () => history.over);
      assert.deepEqual(history.life, ['connect', `error ${ErrorCode.ERR_TIMEOUT}`, 'disconnect']);
    },
  },
  {
    title: 'without setNoDelay small writes wait for the acknowledgement of the first, with it they do not',
    ownNetwork: true,
    needs: ['python3', 'nft'],
    async run(world) {
      // Loss probes would carry the bytes that Nagle’s algorithm holds back.
      world.setKernel('ipv4/tcp_early_retrans', '0');
      const [patient, eager] = [await world.linked(), await world.linked()];
      eager.client.setNoDelay(true);
      // Acknowledgements are dropped: everything stays in flight.
      const ports = [patient, eager].map(({ listener }) => listener.port);
      const heal = await world.cut(`tcp sport { ${ports.join(', ')} }`);
      for (const word of ['one ', 'two ', 'three ']) {
        for (const { client } of [patient, eager]) client.write(word);
        await nextTurn();
      }
      assert.equal(await eager.peer.receive(14), 'one two three ');
      assert.equal(await patient.peer.receiveNow(), 'one ');
      await heal();
      assert.equal(await patient.peer.receive(10), 'two three ');
    },
  },
];

const ENDS: readonly Scenario[] = [
  {
    title: 'abort() resets: the peer’s reading ends with ECONNRESET, with data of both sides unread',
    needs: ['python3'],
    async run(world) {
      const { client, peer, history } = await world.linked();
      client.onData(() => client.ackLater());
      await peer.send('unread');
      client.write('x'.repeat(100_000));
      await world.until('all is acknowledged or waits', () => history.acked > 0);
      client.abort();
      assert.equal((await peer.drain()).end, 'reset');
    },
  },
  ...[true, false].map((listens): Scenario => ({
    title: `after close() with data unread the peer gets all of ours and a FIN, although it goes on sending, ${
      listens ? 'with onAck' : 'with nobody to listen'
    }`,
    needs: ['python3'],
    async run(world) {
      const { client, peer, history } = await world.linked();
      const bytes = listens ? 8 * MIB : MIB;
      let withheld = 0;
      client.onData((_, data) => {
        client.ackLater();
        withheld += data.length;
      });
      if (!listens) {
        client.onTimeout(undefined);
        client.onAck(undefined);
      }
      // Far more than both kernels hold: the peer sends until the connection is closed.
      const sending = peer.sendPattern(1, 400 * MIB).catch(() => undefined);
      await world.until('data is withheld', () => withheld > 0);
      sendPattern(history, 2, bytes, () => client.close());
      assert.deepEqual(await peer.drain(2, 10_000), { bytes, matches: true, end: 'fin' });
      await world.until('it is over', () => history.over);
      assert.deepEqual(
        history.life.filter((event) => !event.startsWith('timeout')),
        ['connect', 'disconnect'],
      );
      if (listens) assert.equal(history.acked, bytes, 'bytes acknowledged');
      await peer.close();
      await sending;
    },
  })),
  {
    title: 'a peer that resets is ERR_RST, and one that ends is none',
    needs: ['python3'],
    async run(world) {
      const [resets, ends] = [await world.linked(), await world.linked()];
      await resets.peer.reset();
      await ends.peer.close();
      for (const { history } of [resets, ends]) await world.until('it is over', () => history.over);
      assert.deepEqual(resets.history.life, ['connect', `error ${ErrorCode.ERR_RST}`, 'disconnect']);
      assert.deepEqual(ends.history.life, ['connect', 'disconnect']);
    },
  },
];

/** Opens the given number of connections at once, sends its number on each, and reads all answers. */
const PYTHON_CROWD = `
import resource, selectors, socket, sys
port, count = int(sys.argv[1]), int(sys.argv[2])
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
peers = []
for number in range(count):
    peer = socket.socket()
    peer.setblocking(False)
    peer.connect_ex(('127.0.0.1', port))
    peers.append(peer)
for number, peer in enumerate(peers):
    peer.settimeout(60)
    selector = selectors.DefaultSelector()
    selector.register(peer, selectors.EVENT_WRITE)
    selector.select(60)
    peer.sendall(b'%06d' % number)
    selector.close()
right = sum(peer.recv(6, socket.MSG_WAITALL) == b'%06d' % number for number, peer in enumerate(peers))
print('right', right)
sys.stdin.read()
`;

const MANY: readonly Scenario[] = [
  {
    title: 'a thousand foreign connections at once are each answered, and leave nothing',
    needs: ['python3'],
    async run(world) {
      const open = new Set<AsyncClient>();
      let most = 0;
      const stack = kernelStack();
      const server = await world.serve(
        (client) => {
          open.add(client);
          most = Math.max(most, open.size);
          client.onData((_, data) => client.write(data));
          client.onDisconnect(() => open.delete(client));
        },
        { stack, backlog: 1024 },
      );
      const crowd = world.start('python3', '-u', '-c', PYTHON_CROWD, String(server.port()), '1000');
      assert.equal(await crowd.stdout.number(/^right (\d+)$/), 1000);
      assert.equal(most, 1000, 'connections at once');
      await crowd.kill();
      await world.until('all are over', () => open.size === 0);
      assert.equal(heldBy(stack), 0, 'held by the stack');
      const ours = kernelSockets(server.port()).filter(({ localPort }) => localPort === server.port());
      assert.deepEqual(
        ours.map(({ state }) => state).filter((state) => state !== 'TIME_WAIT'),
        ['LISTEN'],
      );
    },
  },
  {
    title: 'a thousand clients of ours at once, each with an answer of its own',
    needs: [],
    async run(world) {
      const server = await world.serve((client) => {
        client.onData((_, data) => client.write(data));
      });
      const histories = Array.from({ length: 1000 }, () => world.client());
      for (const [index, history] of histories.entries()) {
        history.onEvent = (event) => {
          if (event === 'connect') history.client.write(`number ${index}`);
        };
        history.connect(ADDRESS, server.port());
      }
      await world.until('all are answered', () =>
        histories.every(({ received }, index) => received === `number ${index}`),
      );
      for (const { client } of histories) client.close();
      await world.until('all are over', () => histories.every(({ over }) => over));
      for (const { life } of histories) assert.deepEqual(life, ['connect', 'disconnect']);
    },
  },
  {
    title: 'many MiB in both directions at once arrive unchanged',
    needs: ['python3'],
    async run(world) {
      const bytes = 64 * MIB;
      const { client, history, peer } = await world.linked();
      client.setAllowHalfOpen(true);
      const came = createHash('sha256');
      let cameBytes = 0;
      client.onData((_, data) => {
        came.update(data);
        cameBytes += data.length;
      });
      const [sending, draining] = [peer.sendPattern(3, bytes), peer.drain(4)];
      sendPattern(history, 4, bytes, () => client.shutdown());
      assert.deepEqual(await draining, { bytes, matches: true, end: 'fin' });
      await sending;
      await peer.close();
      await world.until('it is over', () => history.over);
      const sent = createHash('sha256');
      for (let at = 0; at < bytes; at += MIB) sent.update(pattern(3, at, MIB));
      assert.deepEqual([cameBytes, came.digest('hex')], [bytes, sent.digest('hex')]);
      assert.equal(history.acked, bytes, 'bytes acknowledged');
    },
  },
];

/** Returns the bytes of the peer that our TCP has acknowledged, once that number does not change any more. */
async function pushed({ peer }: Linked): Promise<number> {
  let before = -1;
  for (;;) {
    const { acknowledged } = await peer.facts();
    if (acknowledged === before) return acknowledged;
    before = acknowledged;
    // Longer than the longest delay of an acknowledgement.
    for (const endMs = performance.now() + 250; performance.now() < endMs;) await peer.facts();
  }
}

/** The kernel's receive buffer in windows: Linux doubles the requested size. */
const KERNEL_SHARE = 2;
const WINDOW = 65_536;

const WINDOWS: readonly Scenario[] = [
  {
    title: 'withheld bytes close the window, and what is given back opens it, byte by byte',
    needs: ['python3'],
    async run(world) {
      const linked = await world.linked({ receiveWindowBytes: WINDOW });
      const { client, peer, listener, history } = linked;
      const reader = new PatternReader(5);
      const [early, bytes] = ['the first ', 32 * MIB];
      let delivered = 0;
      let withholds = true;
      client.onData((_, data) => {
        if (delivered >= early.length) reader.take(data);
        delivered += data.length;
        if (withholds) client.ackLater();
      });
      // Bytes that arrive before any is withheld are read; later ones stay in the kernel until bytes are
      // given back.
      await peer.send(early);
      await world.until('the first has come', () => delivered === early.length);
      const sending = peer.sendPattern(5, bytes);
      await world.until('the window is full', () => delivered === WINDOW);
      const most = await pushed(linked);
      assert.ok(most <= (1 + KERNEL_SHARE) * WINDOW, `the peer pushed ${most} bytes`);
      let given = 0;
      for (const piece of [1, 1, 1, 1000, 3000]) {
        given += client.ack(piece);
        await world.until('as many have come', () => delivered === WINDOW + given);
        const now = await pushed(linked);
        assert.ok(now <= most + given, 'the peer pushes no more than what was given back');
        const { unread } = kernelEnd(client.localPort(), listener.port);
        const opened = now - unread;
        assert.ok(opened >= early.length + given, `the window was opened by what was given back: ${opened}`);
        // Until the kernel advertises a wider window, the stack reads ahead as many bytes as it promised.
        assert.ok(opened <= early.length + 2 * given, `and by no more than was promised: ${opened}`);
      }
      assert.equal(delivered, WINDOW + given, 'delivered');
      withholds = false;
      client.ack(WINDOW);
      await sending;
      await peer.close();
      await world.until('it is over', () => history.over);
      assert.deepEqual([reader.bytes, reader.matches], [bytes, true]);
    },
  },
  ...[65_536, 1500].flatMap((mtu) =>
    [1000, 20_000, WINDOW, 2 * WINDOW].map((window): Scenario => ({
      title: `the whole window of ${window} bytes may be withheld, again and again, with an MTU of ${mtu}`,
      ownNetwork: true,
      needs: ['python3'],
      async run(world) {
        await world.ip('link', 'set', 'lo', 'mtu', String(mtu));
        const linked = await world.linked({ receiveWindowBytes: window });
        const { client, peer } = linked;
        let withheld = 0;
        client.onData((_, data) => {
          client.ackLater();
          withheld += data.length;
        });
        void peer.sendPattern(5, 400 * MIB).catch(() => undefined);
        for (let round = 0; round < 6; round += 1) {
          await world.until('the window is full', () => withheld === window);
          // Waits until the kernel’s buffer is full, too.
          await pushed(linked);
          withheld -= client.ack(withheld);
        }
      },
    })),
  ),
  {
    title: 'packets that are not given back close the window, and giving them back opens it',
    needs: ['python3'],
    async run(world) {
      const linked = await world.linked({ receiveWindowBytes: WINDOW });
      const { client, history, peer } = linked;
      const reader = new PatternReader(6);
      const packets: Packet[] = [];
      client.onPacket((_, packet) => {
        reader.take(packet.data);
        packets.push(packet);
      });
      const sending = peer.sendPattern(6, MIB);
      await world.until('the window is full', () => reader.bytes === WINDOW);
      const most = await pushed(linked);
      assert.ok(most <= (1 + KERNEL_SHARE) * WINDOW, `the peer pushed ${most} bytes`);
      for (let seen = WINDOW; seen < MIB; seen = reader.bytes) {
        for (const packet of packets.splice(0)) client.ackPacket(packet);
        await world.until('more has come', () => reader.bytes > seen);
      }
      await sending;
      await peer.close();
      for (const packet of packets) client.ackPacket(packet);
      await world.until('it is over', () => history.over);
      assert.deepEqual([reader.bytes, reader.matches], [MIB, true]);
    },
  },
];

export const SCENARIOS: readonly Scenario[] = [
  ...VISITORS,
  ...LINK_LOCAL,
  ...SHARING,
  ...OPTIONS,
  ...ENDS,
  ...MANY,
  ...WINDOWS,
];
