import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { SendFlag } from '../../port/tcp-stack.js';
import { enterCallback, leaveCallback } from '../../support/callback-scope.js';
import { CopySlab } from '../system/copy-slab.js';
import { SendBudget } from '../system/send-budget.js';
import { limitsOf } from '../system/system-stack-options.js';
import { Outbox, type OutboxOwner, type SendingContext } from './outbox.js';
import { TakenReports } from './taken-reports.js';

const SEND_BUFFER_BYTES = 1 << 22;
const PIECE_BYTES = 1 << 18;
const SMALL = new Uint8Array(100);

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Goes round the loop until the condition holds; the runner ends a test that waits in vain. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

/** Reports that were asked for earlier have come. */
async function settle(): Promise<void> {
  for (let turns = 0; turns < 3; turns += 1) await turn();
}

const server = createServer({ pauseOnConnect: true });
const sockets: Socket[] = [];

before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

after(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

/** An outbox on a socket that stands, its peer, which does not read yet, and the reports. */
class Sender implements OutboxOwner {
  /** The events but `onAcked`. */
  readonly log: string[] = [];
  readonly socket: Socket;
  readonly peer: Socket;
  readonly outbox: Outbox;
  /** Bytes that were reported as acknowledged, and those of them before `onSpaceFreed`. */
  acked = 0;
  ackedBeforeSpace = 0;

  private constructor(socket: Socket, peer: Socket, budgetBytes: number) {
    this.socket = socket;
    this.peer = peer;
    const own = { sendBufferBytes: SEND_BUFFER_BYTES, receiveWindowBytes: 1 };
    const context: SendingContext = {
      limits: limitsOf({}, own),
      slab: new CopySlab(),
      budget: new SendBudget(budgetBytes),
      takenReports: new TakenReports(),
      post: (job) => void setImmediate(job),
    };
    this.outbox = new Outbox(socket, context, this);
  }

  static async make(budgetBytes = 1 << 30): Promise<Sender> {
    const { port } = server.address() as AddressInfo;
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const [peer] = await accepted;
    sockets.push(socket, peer);
    return new Sender(socket, peer, budgetBytes);
  }

  /** Flushes bytes until the kernel takes no more, and forgets the reports of those that it took. */
  async fill(): Promise<void> {
    this.peer.pause();
    while (this.socket.writableLength === 0) {
      this.outbox.enqueueAndFlush(new Uint8Array(PIECE_BYTES), 0);
      await settle();
    }
    this.log.length = 0;
  }

  onTaken(): void {
    // There is no FIN in these tests.
  }

  onAcked(bytes: number): void {
    this.acked += bytes;
  }

  onSpaceFreed(): void {
    this.ackedBeforeSpace = this.acked;
    this.log.push('space');
  }

  onDrained(): void {
    this.log.push('drained');
  }

  onDetached(): void {
    this.log.push('detached');
  }
}

describe('acknowledgements', () => {
  it('that are wanted are reported once a turn, from the loop', async () => {
    const sender = await Sender.make();
    sender.outbox.setReportsAcks(true);
    sender.outbox.enqueueAndFlush(SMALL, SendFlag.COPY);
    sender.outbox.enqueueAndFlush(SMALL, SendFlag.COPY);
    assert.equal(sender.acked, 0);
    await settle();
    assert.equal(sender.acked, 2 * SMALL.length);
  });

  it('that are not wanted come in one sum when they are wanted again', async () => {
    const sender = await Sender.make();
    sender.outbox.enqueueAndFlush(SMALL, SendFlag.COPY);
    await settle();
    sender.outbox.enqueueAndFlush(SMALL, SendFlag.COPY);
    await settle();
    sender.outbox.setReportsAcks(true);
    assert.equal(sender.acked, 0, 'not from inside the method');
    await settle();
    assert.equal(sender.acked, 2 * SMALL.length);
  });

  it('are reported before another event of the connection, so that space has risen by then', async () => {
    const sender = await Sender.make();
    const space = sender.outbox.space();
    sender.outbox.enqueueAndFlush(SMALL, SendFlag.COPY);
    assert.equal(sender.outbox.space(), space - SMALL.length);
    sender.outbox.reportBeforeEvent();
    assert.deepEqual([sender.acked, sender.outbox.space()], [SMALL.length, space]);
  });
});

describe('space', () => {
  it('that is there already is reported once, from the loop', async () => {
    const sender = await Sender.make();
    sender.outbox.setWantsSpace(SEND_BUFFER_BYTES);
    assert.deepEqual(sender.log, []);
    await settle();
    assert.deepEqual(sender.log, ['space']);
    sender.outbox.enqueueAndFlush(SMALL, SendFlag.COPY);
    await settle();
    assert.deepEqual(sender.log, ['space']);
  });

  it('is reported when the kernel has taken enough bytes', async () => {
    const sender = await Sender.make();
    await sender.fill();
    const wanted = sender.outbox.space() + 1;
    sender.outbox.setWantsSpace(wanted);
    await settle();
    assert.deepEqual(sender.log, []);
    sender.peer.resume();
    await until(() => sender.log.length > 0);
    assert.deepEqual(sender.log, ['space']);
    assert.ok(sender.outbox.space() >= wanted);
  });

  it('is not reported once the wish is taken back', async () => {
    const sender = await Sender.make();
    sender.outbox.setWantsSpace(1);
    sender.outbox.setWantsSpace(0);
    await settle();
    assert.deepEqual(sender.log, []);
  });

  it('that the budget keeps below the wish is reported when nothing is outstanding', async () => {
    const sender = await Sender.make(1 << 20);
    assert.ok(sender.outbox.space() < SEND_BUFFER_BYTES);
    sender.outbox.setWantsSpace(SEND_BUFFER_BYTES);
    await settle();
    assert.deepEqual(sender.log, ['space']);
  });

  it('is reported after the acknowledgements that explain it, and before draining', async () => {
    const sender = await Sender.make();
    sender.outbox.setReportsAcks(true);
    sender.outbox.setReportsDrained(true);
    await sender.fill();
    const wanted = sender.outbox.space() + PIECE_BYTES / 2;
    const { acked } = sender;
    sender.outbox.setWantsSpace(wanted);
    sender.peer.resume();
    await until(() => sender.log.includes('drained'));
    assert.deepEqual(sender.log, ['space', 'drained']);
    assert.ok(sender.ackedBeforeSpace - acked >= PIECE_BYTES / 2);
  });
});

describe('draining', () => {
  it('is not reported for bytes that the kernel takes within the call', async () => {
    const sender = await Sender.make();
    sender.outbox.setReportsDrained(true);
    sender.outbox.enqueueAndFlush(SMALL, SendFlag.COPY);
    assert.equal(sender.outbox.queued(), 0);
    await settle();
    assert.deepEqual(sender.log, []);
  });

  it('is reported once when the kernel has taken all that a method left queued', async () => {
    const sender = await Sender.make();
    sender.outbox.setReportsDrained(true);
    await sender.fill();
    assert.ok(sender.outbox.queued() > 0);
    await settle();
    assert.deepEqual(sender.log, []);
    sender.peer.resume();
    await until(() => sender.log.length > 0);
    await settle();
    assert.deepEqual([sender.log, sender.outbox.queued()], [['drained'], 0]);
  });

  it('is reported for bytes that were queued before it was wanted, and not after it was unwanted', async () => {
    const sender = await Sender.make();
    await sender.fill();
    sender.outbox.setReportsDrained(true);
    sender.peer.resume();
    await until(() => sender.log.length > 0);
    assert.deepEqual(sender.log, ['drained']);
    await sender.fill();
    sender.outbox.setReportsDrained(false);
    sender.peer.resume();
    await until(() => sender.outbox.queued() === 0);
    await settle();
    assert.deepEqual(sender.log, []);
  });

  it('counts bytes that are gathered or held back as queued until they leave', async () => {
    const sender = await Sender.make();
    sender.outbox.setReportsDrained(true);
    enterCallback();
    sender.outbox.enqueueAndFlush(SMALL, SendFlag.COPY);
    assert.equal(sender.outbox.queued(), SMALL.length);
    leaveCallback();
    assert.equal(sender.outbox.queued(), 0);
    await until(() => sender.log.length > 0);
    sender.outbox.enqueueAndFlush(SMALL, (SendFlag.COPY | SendFlag.MORE) as 3);
    assert.equal(sender.outbox.queued(), SMALL.length);
    await until(() => sender.log.length > 1);
    assert.deepEqual([sender.log, sender.outbox.queued()], [['drained', 'drained'], 0]);
  });
});

describe('an outbox that has ended', () => {
  it('reports nothing, and burdens the budget no more', async () => {
    const sender = await Sender.make();
    sender.outbox.setReportsAcks(true);
    sender.outbox.setReportsDrained(true);
    await sender.fill();
    sender.outbox.setWantsSpace(SEND_BUFFER_BYTES);
    sender.outbox.end();
    sender.peer.resume();
    await until(() => sender.socket.writableLength === 0);
    await settle();
    assert.deepEqual(sender.log, []);
  });
});
