/** D3 in a program: bytes that were written are sent before the process exits. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { STACKS } from '../support/stacks.js';
import { startNode } from './programs.js';
import { HANGS_MS } from './programs/inline.js';

const CLIENT = new URL('programs/exiting-client.js', import.meta.url);

const WAYS: Readonly<Record<string, string>> = {
  callback: 'in the callback that exits',
  more: 'with MORE in the callback that exits',
  listener: 'in a listener of the exit, which a callback brought about',
};

for (const stack of Object.keys(STACKS)) {
  describe(`what a program on ${stack} writes`, { timeout: HANGS_MS }, () => {
    for (const [way, title] of Object.entries(WAYS)) {
      it(`${title} leaves`, async (test) => {
        const server = createServer().listen(0, '127.0.0.1');
        test.after(() => server.close());
        await once(server, 'listening');
        const connecting = once(server, 'connection') as Promise<[Socket]>;
        const { port } = server.address() as AddressInfo;
        const program = startNode(test, CLIENT, [stack, String(port), way]);
        const [socket] = await connecting;
        let got = '';
        socket.setEncoding('utf8').on('data', (text: string) => (got += text));
        socket.write('x');
        await once(socket, 'end');
        assert.equal(got, 'bye');
        assert.deepEqual(await program.ended, { status: 0, signal: null }, program.stderr.text);
      });
    }
  });
}
