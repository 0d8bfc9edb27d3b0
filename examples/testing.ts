/**
 * Tests a server without a socket and without waiting: both ends are in this process, and half a minute of
 * silence passes in no time.
 *
 *     node --test build/examples/testing.js
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AsyncClient, AsyncServer, memoryStack, type MemoryStack, type StackOption } from 'asynctcp';

// ---- the program under test, which takes its stack as an argument

const SILENCE_S = 30;

/** Answers each line in capitals, and closes a client that sends nothing for `SILENCE_S` seconds. */
function capitals(port: number, stack: StackOption = 'auto'): AsyncServer {
  const server = new AsyncServer(port, { stack });
  server.onClient((client) => {
    const decoder = new TextDecoder();
    let rest = '';
    client.setRxTimeout(SILENCE_S);
    client.onData((_, data) => {
      const lines = (rest + decoder.decode(data, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      // The buffer of a client that reads none of its answers is full: it gets no more.
      for (const line of lines) if (client.write(`${line.toUpperCase()}\n`) === 0) client.close();
    });
  });
  return server;
}

// ---- its tests

const PORT = 7007;

/** A client that is connected, and the text that it has received: tests assert, handlers only collect. */
async function open(stack: MemoryStack): Promise<{ client: AsyncClient; received: () => string }> {
  const client = await AsyncClient.open('127.0.0.1', PORT, { stack });
  let text = '';
  client.onData((_, data) => (text += new TextDecoder().decode(data)));
  return { client, received: () => text };
}

describe('a server of capitals', () => {
  it('answers each whole line, wherever it was cut', async () => {
    const stack = memoryStack();
    await capitals(PORT, stack).begin();
    const { client, received } = await open(stack);
    for (const piece of ['on', 'e\ntw', 'o\nthr']) {
      client.write(piece);
      await stack.settle();
    }
    assert.equal(received(), 'ONE\nTWO\n');
  });

  it('closes after 30 s of silence, and not before', async () => {
    const stack = memoryStack();
    await capitals(PORT, stack).begin();
    const { client } = await open(stack);
    await stack.run(29_999);
    assert.equal(client.connected(), true);
    await stack.run(1);
    assert.equal(client.connected(), false);
  });

  it('keeps no client whose link is cut in the middle of an answer', async () => {
    const stack = memoryStack();
    const server = capitals(PORT, stack);
    await server.begin();
    const { client, received } = await open(stack);
    stack.cut({ port: client.localPort() });
    client.write('anybody?\n');
    // 30 s of silence, then 30 s in which the close makes no progress.
    await stack.run(60_000);
    assert.deepEqual([received(), server.count()], ['', 0]);
  });

  it('closes a client that never reads', async () => {
    const stack = memoryStack({ sendBufferBytes: 1000, receiveWindowBytes: 1000 });
    await capitals(PORT, stack).begin();
    const { client } = await open(stack);
    client.pause();
    for (let count = 0; count < 3; count += 1) {
      client.write(`${'x'.repeat(900)}\n`);
      await stack.settle();
    }
    assert.equal(client.connected(), true, 'the FIN follows the bytes that it has not read');
    client.resume();
    await stack.settle();
    assert.equal(client.connected(), false);
  });
});
