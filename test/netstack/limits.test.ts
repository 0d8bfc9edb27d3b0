/** Ports, backlogs, and the tables of small hosts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TcpConnection } from '#src/netstack/tcp/connection.js';
import { ConnectionTable } from '#src/netstack/tcp/connection-table.js';
import { MOST_SENT_SEGMENTS } from '#src/netstack/tcp/sent-segment.js';
import { TcpListener } from '#src/netstack/tcp/listener.js';
import { Ports, PortSharing, type PortUse } from '#src/netstack/tcp/ports.js';
import { TcpState } from '#src/netstack/tcp/state.js';
import { TimeWait } from '#src/netstack/tcp/time-wait.js';
import { MOST_TIME_WAIT, TimeWaitQueue } from '#src/netstack/tcp/time-wait-queue.js';
import { Address } from '#src/netstack/wire/address.js';
import { Bed, established, PEER, stateName, type Peer } from './bed.js';

const THREE_PORTS = { first: 50_000, last: 50_002, perDestination: true };

function opened(bed: Bed, listener: TcpListener, peerPort: number): [TcpConnection, Peer] {
  const peer = bed.peer({ port: listener.localPort, peerPort });
  peer.syn();
  peer.takeUnread();
  peer.ackAll();
  const c = bed.accept(listener);
  peer.sent();
  return [c, peer];
}

describe('a backlog', () => {
  it('counts handshakes and connections that wait, and drops a SYN beyond it silently', () => {
    const bed = new Bed();
    const listener = bed.listen(80, 2);
    const peerOf = (peerPort: number): Peer => bed.peer({ port: 80, peerPort });
    const [first, second, third] = [peerOf(5000), peerOf(5001), peerOf(5002)];
    for (const peer of [first, second, third]) peer.syn();
    assert.deepEqual([first.sent().length, second.sent().length, third.sent().length], [1, 1, 0]);
    assert.equal(bed.dropped('backlog'), 1);
    first.ackAll();
    third.syn();
    assert.deepEqual(third.sent(), []);
    bed.accept(listener);
    third.syn();
    assert.deepEqual(third.sent(), ['SA 0 ack 1 <mss 1460>']);
  });

  it('has room again when a waiting connection is reset', () => {
    const bed = new Bed();
    const listener = bed.listen(80, 1);
    const first = bed.peer({ port: 80, peerPort: 5000 });
    first.syn();
    first.takeUnread();
    first.ackAll();
    first.send({ flags: 'R' });
    assert.equal(listener.accept(), undefined);
    const second = bed.peer({ port: 80, peerPort: 5001 });
    second.syn();
    assert.equal(second.sent().length, 1);
  });

  it('keeps the events of a connection that waits for its program', () => {
    const bed = new Bed();
    const listener = bed.listen(80);
    const peer = bed.peer({ port: 80 });
    peer.syn();
    peer.takeUnread();
    peer.send({ data: 'early' });
    peer.send({ flags: 'FA' });
    assert.deepEqual(bed.takeEvents(), ['ACCEPT']);
    bed.accept(listener);
    assert.deepEqual(bed.takeEvents(), ['CONNECTED', 'READABLE', 'END']);
  });
});

describe('the connections of an ESP32', () => {
  const LIMIT = 16;

  function full(exhaustion: 'all' | 'pool' | 'heap'): {
    bed: Bed;
    listener: TcpListener;
    open: [TcpConnection, Peer][];
  } {
    const bed = new Bed({ profile: 'esp32', tcp: { exhaustion } });
    const listener = bed.listen(80);
    const open: [TcpConnection, Peer][] = [];
    const most = exhaustion === 'all' ? LIMIT - 1 : LIMIT;
    for (let index = 0; index < most; index += 1) open.push(opened(bed, listener, 5000 + index));
    return { bed, listener, open };
  }

  function answers(bed: Bed, peerPort: number): number {
    const peer = bed.peer({ port: 80, peerPort });
    peer.syn();
    return peer.sent().length;
  }

  it('are sixteen, the listener counted, in the history `all`', () => {
    const { bed } = full('all');
    assert.equal(answers(bed, 6000), 0);
    assert.equal(bed.tcp.connections, LIMIT - 1);
  });

  it('are sixteen without the listener in the history `pool`', () => {
    const { bed } = full('pool');
    assert.equal(answers(bed, 6000), 0);
    assert.equal(bed.tcp.connections, LIMIT);
  });

  it('have no limit in the history `heap`', () => {
    const { bed } = full('heap');
    assert.equal(answers(bed, 6000), 1);
  });

  it('are refused to a program when all are established', () => {
    const { bed } = full('pool');
    const address = Address.parse(PEER[4]);
    assert.ok(address !== undefined);
    assert.equal(bed.tcp.connect({ address, port: 9 }), 'noMemory');
  });

  it('make room in the order TIME_WAIT, LAST_ACK, CLOSING, FIN_WAIT_2, FIN_WAIT_1', () => {
    const { bed, open } = full('pool');
    const act = (index: number, ...steps: ((c: TcpConnection, peer: Peer) => void)[]): TcpConnection => {
      const entry = open[index];
      assert.ok(entry !== undefined);
      for (const step of steps) {
        step(...entry);
        entry[1].takeUnread();
      }
      return entry[0];
    };
    const shut = (c: TcpConnection): void => {
      c.shutdown();
    };
    const fin = (_: TcpConnection, peer: Peer): void => {
      peer.send({ flags: 'FA', ack: 1 });
    };
    const ack = (_: TcpConnection, peer: Peer): void => {
      peer.ackAll();
    };
    const finWait1 = act(0, shut);
    const finWait2 = act(1, shut, ack);
    const closing = act(2, shut, fin);
    const lastAck = act(3, fin, shut);
    const timeWait = act(4, shut, ack, fin);
    assert.deepEqual(
      [finWait1, finWait2, closing, lastAck, timeWait].map(({ state }) => stateName(state)),
      ['FIN_WAIT_1', 'FIN_WAIT_2', 'CLOSING', 'LAST_ACK', 'TIME_WAIT'],
    );
    bed.takeEvents();
    assert.equal(answers(bed, 5999), 1);
    assert.equal(bed.tcp.inTimeWait, 0);
    for (const [index, killed] of [lastAck, closing, finWait2, finWait1].entries()) {
      assert.notEqual(killed.state, TcpState.CLOSED);
      assert.equal(answers(bed, 6000 + index), 1);
      assert.equal(killed.state, TcpState.CLOSED);
    }
    assert.equal(answers(bed, 7000), 0);
    const closed = bed.takeEvents();
    assert.deepEqual(
      closed,
      Array.from({ length: 4 }, () => 'CLOSED noMemory'),
      'TIME_WAIT was over for its program',
    );
  });

  it('make room among those of one state by the longest silence', () => {
    const { bed, open } = full('pool');
    for (const [c, peer] of open) {
      c.shutdown();
      peer.takeUnread();
    }
    const order = [...open.slice(5), ...open.slice(0, 5)];
    for (const [, peer] of order) {
      bed.run(10);
      peer.ackAll();
    }
    for (const [index, [c]] of order.entries()) {
      assert.equal(answers(bed, 6000 + index), 1);
      assert.equal(c.state, TcpState.CLOSED);
    }
  });

  it('and its listeners are bounded', () => {
    const bed = new Bed({ profile: 'esp32' });
    for (let port = 1; port <= LIMIT; port += 1) bed.listen(port);
    assert.equal(bed.tcp.listen({ address: undefined, port: 99 }), 'noMemory');
    assert.equal(bed.tcp.listeners, LIMIT);
  });
});

describe('ports', () => {
  const peer = Address.parse(PEER[4]);
  assert.ok(peer !== undefined);

  it('of two listeners exclude each other, unless both share', () => {
    const bed = new Bed();
    bed.listen(80);
    assert.equal(bed.tcp.listen({ address: undefined, port: 80 }), 'inUse');
    assert.equal(bed.tcp.listen({ address: undefined, port: 80, sharesPort: true }), 'inUse');
    assert.ok(bed.tcp.listen({ address: undefined, port: 81, sharesPort: true }) instanceof TcpListener);
    assert.ok(bed.tcp.listen({ address: undefined, port: 81, sharesPort: true }) instanceof TcpListener);
  });

  it('are free again when the listener closes', () => {
    const bed = new Bed();
    bed.listen(80).close();
    bed.listen(80).close();
    assert.equal(bed.tcp.listeners, 0);
  });

  it('are chosen from the ephemeral ones, each once, until there is none', () => {
    const bed = new Bed({ tcp: { ephemeralPorts: THREE_PORTS } });
    const ports = new Set<number>();
    for (let count = 0; count < 3; count += 1) {
      const c = bed.tcp.connect({ address: peer, port: 9 });
      assert.ok(c instanceof TcpConnection);
      ports.add(c.localPort);
    }
    assert.deepEqual([...ports].sort(), [50_000, 50_001, 50_002]);
    assert.equal(bed.tcp.connect({ address: peer, port: 9 }), 'noPort');
    const [first] = bed.tcp;
    first?.abort();
    assert.ok(bed.tcp.connect({ address: peer, port: 9 }) instanceof TcpConnection);
  });

  it('are chosen anew for each destination, but by lwIP', () => {
    const connect = (bed: Bed, port: number): unknown => bed.tcp.connect({ address: peer, port });
    const bed = new Bed({ tcp: { ephemeralPorts: THREE_PORTS } });
    for (let port = 1; port <= 30; port += 1)
      assert.ok(connect(bed, (port % 10) + 1) instanceof TcpConnection);
    assert.equal(connect(bed, 1), 'noPort');
    const ephemeralPorts = { ...THREE_PORTS, perDestination: false };
    const device = new Bed({ profile: 'esp32', tcp: { ephemeralPorts } });
    for (const port of [1, 2, 3]) assert.ok(connect(device, port) instanceof TcpConnection);
    assert.equal(connect(device, 4), 'noPort');
  });

  it('that were chosen rest until all others had their turn', () => {
    for (const perDestination of [true, false]) {
      const bed = new Bed({ tcp: { ephemeralPorts: { first: 50_000, last: 50_099, perDestination } } });
      const ports = new Set<number>();
      for (let count = 0; count < 100; count += 1) {
        const c = bed.tcp.connect({ address: peer, port: 9 });
        assert.ok(c instanceof TcpConnection);
        ports.add(c.localPort);
        c.abort();
      }
      assert.equal(ports.size, 100);
    }
  });

  it('that were chosen are not those of listeners and bound connections, nor become theirs', () => {
    const bed = new Bed({ tcp: { ephemeralPorts: THREE_PORTS } });
    const listener = bed.listen(50_000);
    const bound = bed.tcp.connect({ address: peer, port: 7, localPort: 50_001, sharesPort: true });
    assert.ok(bound instanceof TcpConnection);
    const chosen = bed.tcp.connect({ address: peer, port: 8, sharesPort: true });
    assert.ok(chosen instanceof TcpConnection);
    assert.equal(chosen.localPort, 50_002);
    assert.equal(bed.tcp.connect({ address: peer, port: 8 }), 'noPort');
    assert.equal(bed.tcp.listen({ address: undefined, port: 50_002 }), 'inUse');
    assert.equal(bed.tcp.connect({ address: peer, port: 9, localPort: 50_002 }), 'inUse');
    const shared = bed.tcp.connect({ address: peer, port: 9, localPort: 50_002, sharesPort: true });
    assert.ok(shared instanceof TcpConnection);
    listener.close();
    bound.abort();
    const free = [1, 2].map(() => bed.tcp.connect({ address: peer, port: 8 }));
    assert.ok(free.every((c) => c instanceof TcpConnection));
  });

  it('that many connections share are looked up as fast as others', () => {
    const ports = new Ports(THREE_PORTS, new ConnectionTable(1), () => 0.5);
    const [one, other] = [Address.parse('10.0.0.1'), Address.parse('10.0.0.1')];
    const uses = [one, other, one].map((address) => ports.add(address, 7, PortSharing.SHARED));
    assert.deepEqual(new Set(uses).size, 1);
    const listener = ports.add(undefined, 7, PortSharing.SHARED);
    for (const use of uses) {
      assert.equal(ports.isFree(one, 7, PortSharing.NONE), false);
      ports.remove(use);
    }
    assert.equal(ports.isFree(peer, 7, PortSharing.NONE), false);
    ports.remove(listener);
    assert.equal(ports.isFree(one, 7, PortSharing.NONE), true);
  });

  it('are each found, however many are in use', () => {
    const ports = new Ports(THREE_PORTS, new ConnectionTable(1), () => 0.5);
    const uses = new Map<number, PortUse>();
    for (let port = 1; port < 65_536; port += 7) {
      uses.set(port, ports.add(undefined, port, PortSharing.NONE));
    }
    for (let port = 1; port < 65_536; port += 1) {
      assert.equal(ports.isFree(peer, port, PortSharing.NONE), !uses.has(port), `port ${port}`);
    }
    for (const use of uses.values()) ports.remove(use);
    for (const port of uses.keys()) assert.ok(ports.isFree(peer, port, PortSharing.NONE));
  });

  it('stay in use in TIME_WAIT', () => {
    const bed = new Bed();
    const c = bed.connect(5000, 1234);
    const far = bed.peer({ port: 1234 });
    far.syn({ flags: 'SA' });
    c.shutdown();
    far.takeUnread();
    far.send({ flags: 'FA' });
    assert.equal(c.state, TcpState.TIME_WAIT);
    assert.equal(bed.tcp.connect({ address: peer, port: 9, localPort: 1234 }), 'inUse');
    bed.run(61_000);
    assert.ok(bed.tcp.connect({ address: peer, port: 9, localPort: 1234 }) instanceof TcpConnection);
  });

  it('of one pair of ends have one connection, whichever side opened it', () => {
    const bed = new Bed();
    const listener = bed.listen(80);
    opened(bed, listener, 5000);
    listener.close();
    assert.equal(bed.tcp.connect({ address: peer, port: 5000, localPort: 80 }), 'inUse');
    assert.ok(bed.tcp.connect({ address: peer, port: 5001, localPort: 80 }) instanceof TcpConnection);
  });

  it('of an address that is not this host is refused', () => {
    const bed = new Bed();
    assert.equal(bed.tcp.listen({ address: peer, port: 80 }), 'notLocal');
    assert.equal(bed.tcp.connect({ address: peer, port: 80, localAddress: peer }), 'notLocal');
    const far = Address.parse('192.168.1.1');
    assert.ok(far !== undefined);
    assert.equal(bed.tcp.connect({ address: far, port: 80 }), 'unreachable');
  });
});

describe('connections in TIME_WAIT', () => {
  it('are bounded: the oldest ends early for one more', () => {
    const { bed, c } = established();
    const ended: TimeWait[] = [];
    const queue = new TimeWaitQueue(bed.tcp, (record) => ended.push(record));
    const records = Array.from({ length: MOST_TIME_WAIT + 2 }, () => new TimeWait(c));
    for (const record of records) queue.add(record);
    assert.equal(queue.count, MOST_TIME_WAIT);
    assert.deepEqual(ended, records.slice(0, 2));
  });
});

describe('segments in flight', () => {
  it(`are ${MOST_SENT_SEGMENTS} at most, however small they are`, () => {
    const { bed, c, peer } = established();
    c.setNoDelay(true);
    for (let bytes = 0; bytes < MOST_SENT_SEGMENTS + 10; bytes += 1) {
      c.write(new Uint8Array(1));
      c.push();
    }
    bed.settle();
    assert.equal(peer.sent().length, MOST_SENT_SEGMENTS);
    assert.equal(c.unsent(), 10);
    peer.ackAll();
    assert.equal(c.unsent(), 0);
  });
});

describe('many connections', () => {
  it('are each found, and leave nothing behind', () => {
    const bed = new Bed();
    const listener = bed.listen(80);
    const open: [TcpConnection, Peer][] = [];
    for (let index = 0; index < 300; index += 1) open.push(opened(bed, listener, 1000 + index));
    assert.equal(bed.tcp.connections, 300);
    for (const [index, [c, peer]] of open.entries()) {
      peer.send({ data: `number ${index}` });
      assert.equal(new TextDecoder().decode(c.peek()), `number ${index}`);
    }
    for (const [, peer] of open) peer.send({ flags: 'R' });
    assert.equal(bed.tcp.connections, 0);
    assert.equal(bed.stack.nextDeadlineMs(), Infinity);
  });
});
