/**
 * The example gateway: devices that are killed or fall silent, an upstream that is slow and restarts,
 * SIGTERM.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { startNode, startPython, unlessInstalled } from './programs.js';
import { HANGS_MS } from './programs/inline.js';

const LIVE = 180;
const SILENT = 10;
const KILLED = 10;
const SILENCE_S = 2;

/**
 * Writes each line into a file before it confirms it. After its first thousand lines it pauses once, for
 * longer than devices may be silent.
 */
const PYTHON_UPSTREAM = `
import os, socket, sys, time
port, pause, name = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
listener = socket.create_server(('127.0.0.1', port))
listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
print('upstream on port', listener.getsockname()[1])
peer, _ = listener.accept()
with open(name, 'ab', buffering=0) as file:
    rest, count = b'', 0
    while data := peer.recv(4096):
        *lines, rest = (rest + data).split(b'\\n')
        file.write(b''.join(line + b'\\n' for line in lines))
        count += len(lines)
        if pause and count > 1000:
            time.sleep(pause)
            pause = 0
            print('paused')
        peer.sendall(b'\\n' * len(lines))
peer.close()
print('upstream ended')
`;

/**
 * Devices that send a numbered line every 20 ms until the gateway sends FIN. An end before a line of input is
 * reported as cut. Silent devices send one line.
 */
const PYTHON_DEVICES = `
import asyncio, sys
port, name, live, silent = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
stopping = False
halfway = 0

async def device(number, is_silent):
    global halfway
    reader, writer = await asyncio.open_connection('127.0.0.1', port)
    ended = asyncio.create_task(reader.read())
    count = 0
    while not ended.done():
        writer.write(f'{name}{number} {count}\\n'.encode())
        count += 1
        await writer.drain()
        if is_silent:
            await ended
        await asyncio.sleep(0.02)
        halfway += count == 50
        if count == 50 and halfway == live:
            print('halfway')
    writer.close()
    await writer.wait_closed()
    if is_silent:
        print('silent ended')
    elif not stopping:
        print('cut', number)
    return f'{name}{number}', count

async def listen():
    global stopping
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    stopping = True
    print('knows')

async def main():
    devices = [device(number, number >= live) for number in range(live + silent)]
    _, *counts = await asyncio.gather(listen(), *devices)
    for of, count in counts:
        print('sent', of, count)

asyncio.run(main())
`;

/** Returns the numbers of the lines of each device, sorted, each once. */
function numbersByDevice(file: string): Map<string, number[]> {
  const numbers = new Map<string, Set<number>>();
  for (const line of readFileSync(file, 'utf8').split('\n').slice(0, -1)) {
    const [, device = '', number] = /^([a-z]+\d+) (\d+)$/.exec(line) ?? [];
    assert.notEqual(device, '', `a line that no device sent: ${line}`);
    numbers.set(device, (numbers.get(device) ?? new Set<number>()).add(Number(number)));
  }
  return new Map([...numbers].map(([device, seen]) => [device, [...seen].sort((a, b) => a - b)]));
}

describe('the example gateway', { timeout: HANGS_MS }, () => {
  it(
    'loses no line of 200 devices, some killed and some silent, with a slow upstream that restarts, and SIGTERM',
    { skip: unlessInstalled('python3') },
    async (test) => {
      const folder = mkdtempSync(join(tmpdir(), 'asynctcp-gateway-'));
      test.after(() => rmSync(folder, { recursive: true }));
      const file = join(folder, 'lines');
      const first = startPython(test, PYTHON_UPSTREAM, '0', String(1.5 * SILENCE_S), file);
      const upstreamPort = await first.stdout.number(/^upstream on port (\d+)$/);
      const program = new URL('../../examples/gateway.js', import.meta.url);
      const gateway = startNode(test, program, ['0', '127.0.0.1', String(upstreamPort), String(SILENCE_S)]);
      const port = String(await gateway.stdout.number(/^gateway listens on port (\d+)$/));

      const devices = startPython(test, PYTHON_DEVICES, port, 'live', String(LIVE), String(SILENT));
      const killed = startPython(test, PYTHON_DEVICES, port, 'killed', String(KILLED), '0');
      await Promise.all([devices.stdout.line(/^halfway$/), killed.stdout.line(/^halfway$/)]);
      await first.stdout.line(/^paused$/);
      await killed.kill();
      await first.kill();
      const second = startPython(test, PYTHON_UPSTREAM, String(upstreamPort), '0', file);
      for (let count = 0; count < SILENT; count += 1) await devices.stdout.line(/^silent ended$/);
      devices.type('\n');
      await devices.stdout.line(/^knows$/);

      assert.deepEqual(await gateway.terminate(), { status: 0, signal: null });
      assert.equal(gateway.stderr.text, '');
      await second.stdout.line(/^upstream ended$/);
      assert.equal((await devices.ended).status, 0, devices.stderr.text);
      assert.doesNotMatch(devices.stdout.text, /^cut/m);

      const arrived = numbersByDevice(file);
      const sent = [...devices.stdout.text.matchAll(/^sent (\S+) (\d+)$/gm)];
      assert.equal(sent.length, LIVE + SILENT);
      for (const [, device = '', count] of sent) {
        const numbers = arrived.get(device) ?? [];
        assert.deepEqual(numbers, [...Array(Number(count)).keys()], `lines of ${device}`);
      }
      // Of a killed device, all lines before the last one that arrived have arrived.
      for (let number = 0; number < KILLED; number += 1) {
        const numbers = arrived.get(`killed${number}`) ?? [];
        assert.ok(numbers.length > 0);
        assert.deepEqual(numbers, [...numbers.keys()], `lines of killed${number}`);
      }
    },
  );

  it('answers wrong arguments with one line of usage', async (test) => {
    const program = new URL('../../examples/gateway.js', import.meta.url);
    for (const args of [
      [],
      ['0', 'localhost'],
      ['0', 'localhost', '99999'],
      ['0', 'localhost', '7', '1', 'x'],
    ]) {
      const gateway = startNode(test, program, args);
      assert.equal((await gateway.ended).status, 2);
      assert.match(gateway.stderr.text, /^usage: node gateway\.js .*\n$/);
    }
  });
});
