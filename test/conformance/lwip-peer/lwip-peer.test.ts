/** netstack against lwIP in C, in both directions and in virtual time. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ProfileName } from '#src/netstack/profile.js';
import { TcpState } from '#src/netstack/tcp/state.js';
import { Duel, type LinkOptions } from './duel.js';
import { buildPeer, whyNoPeer } from './lwip-peer.js';

const PORT = 7000;
const BULK_BYTES = 1_000_000;
const LOSSY_BYTES = 200_000;
const LOSS = 0.05;
/** Numbers of lwIP's err.h. */
const ERR_RESET = -14;

const reason = whyNoPeer();

describe('lwIP as a peer', { skip: reason }, () => {
  let folder: string;
  let program: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'lwip-peer-'));
    program = buildPeer(folder);
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  /** A connection that the host opens, or the peer. */
  async function connected(options: LinkOptions, opens: 'host' | 'peer'): Promise<Duel> {
    const duel = new Duel(program, options);
    await duel.begin();
    if (opens === 'host') {
      await duel.peer.obey('listen', PORT);
      duel.connect(PORT);
    } else {
      duel.listen(PORT);
      await duel.peer.obey('connect', PORT);
    }
    await duel.until('the connection', () => duel.socket !== undefined && duel.peer.state.isConnected);
    return duel;
  }

  for (const profile of ['linux', 'esp32'] as const satisfies readonly ProfileName[]) {
    describe(profile, () => {
      for (const opens of ['host', 'peer'] as const) {
        it(`the ${opens} connects, both close`, async () => {
          const duel = await connected({ profile }, opens);
          assert.equal(duel.socket?.state, TcpState.ESTABLISHED);
          duel.close();
          await duel.until('FIN at the peer', () => duel.peer.state.hasEnded);
          await duel.peer.obey('close');
          await duel.until('the end', () => duel.stack.tcp.connections === 0);
          assert.equal(duel.socket.failure, undefined);
          await duel.end();
        });
      }

      it('the peer echoes what the host writes', async () => {
        const duel = await connected({ profile }, 'host');
        await duel.peer.obey('echo');
        duel.write(10_000);
        await duel.until('the echo', () => duel.received === 10_000);
        await duel.end();
      });

      it('the host echoes what the peer writes', async () => {
        const duel = await connected({ profile }, 'peer');
        duel.setEcho();
        await duel.peer.obey('write', 10_000);
        await duel.until('the echo', () => duel.peer.state.received === 10_000);
        await duel.end();
      });

      it('a million bytes go to the peer, and FIN behind them', async () => {
        const duel = await connected({ profile }, 'host');
        duel.write(BULK_BYTES);
        duel.shutdown();
        await duel.until('the data', () => duel.peer.state.hasEnded);
        assert.equal(duel.peer.state.received, BULK_BYTES);
        await duel.end();
      });

      it('a million bytes come from the peer, and FIN behind them', async () => {
        const duel = await connected({ profile }, 'host');
        await duel.peer.obey('write', BULK_BYTES);
        await duel.peer.obey('shutdown');
        await duel.until('the data', () => duel.socket?.hasEnded() === true);
        assert.equal(duel.received, BULK_BYTES);
        await duel.end();
      });

      it('after half a close the other side still sends', async () => {
        const duel = await connected({ profile }, 'host');
        duel.shutdown();
        await duel.until('FIN at the peer', () => duel.peer.state.hasEnded);
        await duel.peer.obey('write', 5000);
        await duel.peer.obey('shutdown');
        await duel.until('the data', () => duel.socket?.hasEnded() === true);
        assert.equal(duel.received, 5000);
        await duel.end();
      });

      it('a reset of the peer reaches the host', async () => {
        const duel = await connected({ profile }, 'host');
        await duel.peer.obey('abort');
        await duel.until('the reset', () => duel.socket?.failure !== undefined);
        assert.equal(duel.socket?.failure, 'reset');
        await duel.end();
      });

      it('a reset of the host reaches the peer', async () => {
        const duel = await connected({ profile }, 'host');
        duel.abort();
        await duel.until('the reset', () => duel.peer.state.error !== undefined);
        assert.equal(duel.peer.state.error, ERR_RESET);
        await duel.end();
      });

      it('a port without a listener refuses the host', async () => {
        const duel = new Duel(program, { profile });
        await duel.begin();
        duel.connect(PORT);
        await duel.until('the refusal', () => duel.socket?.failure !== undefined);
        assert.equal(duel.socket?.failure, 'refused');
        await duel.end();
      });

      it('a peer that does not read closes its window, and opens it', async () => {
        const duel = await connected({ profile }, 'host');
        await duel.peer.obey('hold');
        duel.write(LOSSY_BYTES);
        await duel.run(100_000);
        assert.ok(duel.peer.state.received <= 65_536);
        await duel.peer.obey('consume');
        await duel.until('the rest', () => duel.peer.state.received === LOSSY_BYTES);
        await duel.end();
      });

      it('a host that does not read closes its window, and opens it', async () => {
        const duel = await connected({ profile }, 'host');
        duel.setReading(false);
        await duel.peer.obey('write', LOSSY_BYTES * 2);
        await duel.run(100_000);
        assert.equal(duel.received, 0);
        duel.setReading(true);
        await duel.until('the data', () => duel.received === LOSSY_BYTES * 2);
        await duel.end();
      });

      for (const seed of [1, 2]) {
        it(`with 5 % loss all bytes reach the peer, seed ${seed}`, async () => {
          const duel = await connected({ profile, loss: LOSS, seed }, 'host');
          duel.write(LOSSY_BYTES);
          duel.shutdown();
          await duel.until('the data', () => duel.peer.state.hasEnded);
          assert.equal(duel.peer.state.received, LOSSY_BYTES);
          await duel.end();
        });

        it(`with 5 % loss all bytes reach the host, seed ${seed}`, async () => {
          const duel = await connected({ profile, loss: LOSS, seed }, 'peer');
          await duel.peer.obey('write', LOSSY_BYTES);
          await duel.peer.obey('shutdown');
          await duel.until('the data', () => duel.socket?.hasEnded() === true);
          assert.equal(duel.received, LOSSY_BYTES);
          await duel.end();
        });
      }
    });
  }
});
