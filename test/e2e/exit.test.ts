/** Bytes that a callback wrote are sent if the callback ends the process (D3). */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { STACKS } from '../support/stacks.js';
import { unlessAddonLoads } from '../native/require-addon.js';
import { start } from './programs.js';
import { program } from './programs/inline.js';
import { HANGS_MS } from './programs/inline.js';

const CALLBACKS: Readonly<Record<string, string>> = {
  onConnect: 'client.onConnect(end);',
  onData: 'client.onData(end);',
  onPacket: 'client.onPacket(end);',
  'a promise of a callback': 'client.onConnect(async () => { await Promise.resolve(); end(); });',
};

for (const stack of Object.keys(STACKS)) {
  describe(`process.exit on ${stack}`, { skip: stack === 'kernel' && unlessAddonLoads() }, () => {
    for (const [name, handler] of Object.entries(CALLBACKS)) {
      it(`in ${name} sends what was written before`, { timeout: HANGS_MS }, async (test) => {
        const server = createServer();
        test.after(() => server.close());
        server.listen(0, '127.0.0.1');
        await once(server, 'listening');
        const { port } = server.address() as AddressInfo;
        const accepted = once(server, 'connection') as Promise<[Socket]>;
        const file = program(
          test,
          `const client = new asynctcp.AsyncClient({ stack: '${stack}' });
          const end = () => {
            client.write('good');
            client.write('bye');
            process.exit(0);
          };
          ${handler}
          client.connect('127.0.0.1', ${port});`,
        );
        start(test, process.execPath, [file]);
        const [socket] = await accepted;
        socket.on('error', () => undefined);
        let text = '';
        socket.on('data', (piece: Buffer) => (text += piece.toString('latin1')));
        if (name === 'onData' || name === 'onPacket') socket.write('speak');
        await new Promise((resolve) => socket.on('close', resolve));
        assert.equal(text, 'goodbye');
      });
    }
  });
}
