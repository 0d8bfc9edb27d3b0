/** Two runs of one seed are compared: what is the same, and in which words a difference is shown. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AsyncClient, AsyncServer } from '#src/index.js';
import { checkDeterminism } from '#src/sim/check-determinism.js';
import { Network, type NetworkOptions } from '#src/sim/network.js';
import { hosts, pingPong } from './ping-pong.js';

describe('checkDeterminism', () => {
  const program = async (network: Network): Promise<void> => {
    pingPong(network, 10);
    await network.run(500);
  };

  it('counts the packets of a program that repeats, also with shuffled ties', async () => {
    assert.ok((await checkDeterminism(program, { seed: 1 })) > 50);
    const options: NetworkOptions = { seed: 1, ties: 'shuffled' };
    assert.ok((await checkDeterminism(program, options)) > 50);
  });

  it('ends globals that the program leaves installed, also when it fails', async () => {
    const real = Date;
    const leaves = async (network: Network): Promise<void> => {
      network.installGlobals();
      await network.run(1);
    };
    assert.equal(await checkDeterminism(leaves, { seed: 1 }), 0);
    assert.equal(Date, real);
    const fails = async (network: Network): Promise<void> => {
      await leaves(network);
      throw new Error('too cold');
    };
    await assert.rejects(checkDeterminism(fails, { seed: 1 }), /too cold/);
    assert.equal(Date, real);
    using own = new Network({ seed: 2 }).installGlobals();
    assert.ok(own);
    await assert.rejects(checkDeterminism(leaves, { seed: 1 }), /installed already/);
    assert.notEqual(Date, real);
  });

  it('says what differs in the words of the layer', async () => {
    const differing = async (change: (client: AsyncClient, round: number) => void): Promise<string> => {
      let round = 0;
      const program = async (network: Network): Promise<void> => {
        round += 1;
        const [a, b] = hosts(network);
        network.link(a, b, { delayMs: 10 });
        const server = new AsyncServer(80, { stack: b.stack });
        server.onClient((client) => client.onData(() => undefined));
        await server.begin();
        const client = await network.runUntil(AsyncClient.open('b', 80, { stack: a.stack }));
        change(client, round);
        await network.run(100);
      };
      const text = await checkDeterminism(program, { seed: 1 }).then(String, String);
      return text.split('\n').at(-1) ?? '';
    };
    assert.equal(
      await differing((client, round) => client.write(`HTTP/1.1 200 OK\r\nDate: Thu, 0${round} Jan\r\n`)),
      '  their data differ from byte 30 on: "…1.1 200 OK\\r\\nDate: Thu, 01 Jan\\r\\n" and "…1.1 200 OK\\r\\nDate: Thu, 02 Jan\\r\\n"',
    );
    assert.equal(
      await differing((client, round) => client.write('a'.repeat(round))),
      '  their data differ from byte 2 on: "a" and "aa"',
    );
    assert.equal(
      await differing((client, round) => {
        if (round === 2) client.abort();
        else client.close();
      }),
      '  their data are the same; they differ in the header of TCP',
    );
  });

  it('shows the first packet that differs', async () => {
    let round = 0;
    const differs = async (network: Network): Promise<void> => {
      round += 1;
      const [a, b] = hosts(network);
      network.link(a, b, { delayMs: 10 });
      network.at(round * 5, () => void new AsyncClient({ stack: a.stack }).connect('b', 80));
      await network.run(100);
    };
    await assert.rejects(checkDeterminism(differs, { seed: 1 }), (error: Error) => {
      const lines = error.message.split('\n');
      assert.equal(lines[0], 'two runs with seed 1 differ from packet 1 on:');
      assert.match(lines[1] ?? '', /^ {2}first: {2}0\.005000 a > b/);
      assert.match(lines[2] ?? '', /^ {2}second: 0\.010000 a > b/);
      return true;
    });
  });
});
