/**
 * Bytes that the kernel does not take, or takes in part, are sent in order and once; if that is impossible,
 * only their own connection ends.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, before, describe, it } from 'node:test';
import { AsyncServer, type AsyncClient } from 'asynctcp';
import { MAX_SENDS } from '#src/addon/native-sockets.js';
import { HANGS_MS } from '../support/form.js';
import { injectingAddon, inject, unlessInjectingAddonLoads } from './injecting-addon.js';
import { Testbed } from './testbed.js';

/** A peer that keeps the text that it receives. */
class Peer {
  readonly socket: Socket;
  text = '';
  isOver = false;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('data', (piece) => (this.text += piece.toString('latin1')));
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => (this.isOver = true));
  }
}

describe(
  'a send that the kernel does not take whole',
  { skip: unlessInjectingAddonLoads(), timeout: HANGS_MS },
  () => {
    let testbed: Testbed;
    const servers: AsyncServer[] = [];
    const peers: Peer[] = [];
    const clients: AsyncClient[] = [];

    before(() => {
      testbed = new Testbed(injectingAddon());
    });

    afterEach(async () => {
      testbed.addon.clearFaults();
      for (const { socket } of peers.splice(0)) socket.destroy();
      for (const client of clients.splice(0)) client.abort();
      for (const server of servers.splice(0)) await server.end();
    });

    /**
     * Connects two peers. When the first one sends, `answer` is called with its client and the other peer's
     * client.
     */
    async function begin(answer: (client: AsyncClient, other: AsyncClient) => void): Promise<[Peer, Peer]> {
      const server = new AsyncServer(0, { address: '127.0.0.1', stack: testbed.stack });
      servers.push(server);
      server.onClient((client) => {
        clients.push(client);
        client.onData(() => {
          const [other] = clients.filter((one) => one !== client);
          if (other !== undefined) answer(client, other);
        });
      });
      await server.begin();
      const pair: [Peer, Peer] = [new Peer(server.port()), new Peer(server.port())];
      peers.push(...pair);
      await Promise.all(pair.map(({ socket }) => once(socket, 'connect')));
      assert.ok(await testbed.holds(() => clients.length === 2));
      pair[0].socket.write('speak');
      return pair;
    }

    it('is overtaken by nothing, also where a wake-up has more pieces than one flush', async () => {
      const others = MAX_SENDS - 1;
      const [first, second] = await begin((client, other) => {
        testbed.addon.clearFaults();
        inject(testbed.addon, 'send', 'ENOBUFS');
        client.write('1');
        for (let count = 0; count < others; count += 1) other.write('-');
        client.write('2');
        client.write('3');
      });
      assert.ok(await testbed.holds(() => first.text.length === 3 && second.text.length === others));
      assert.equal(first.text, '123');
    });

    it('is one call for small pieces of one callback, with copy and without, and one for each client', async () => {
      let calls = -1;
      const [first, second] = await begin((client, other) => {
        testbed.addon.clearFaults();
        for (const piece of ['head ', 'body ']) client.write(piece);
        client.write(Buffer.from('rest'), 0);
        other.write('other');
        queueMicrotask(() => {
          calls = testbed.addon.calls('send') + testbed.addon.calls('sendmsg');
        });
      });
      assert.ok(await testbed.holds(() => first.text.length === 14 && second.text.length === 5));
      assert.deepEqual([first.text, second.text, calls], ['head body rest', 'other', 2]);
    });

    it('is not sent again where the end of the shortage cannot be watched for', async () => {
      const [first] = await begin((client) => {
        testbed.addon.clearFaults();
        inject(testbed.addon, 'send', 2);
        inject(testbed.addon, 'epoll_ctl', 'ENOMEM');
        client.write('1234');
      });
      assert.ok(await testbed.holds(() => first.isOver || first.text.length >= 4));
      assert.ok('1234'.startsWith(first.text), first.text);
      assert.ok(first.isOver);
    });
  },
);
