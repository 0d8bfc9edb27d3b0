/**
 * An upload to a handler of node:http that reads slowly: every byte arrives, and the process holds no more of
 * them than the receive window and the high-water mark of a stream.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { getDefaultHighWaterMark } from 'node:stream';
import { json } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { describe, it } from 'node:test';
import { CARRIED_WAYS, startIn, takeCarried } from './ways.js';
import { HANGS_MS, inForm } from '../support/form.js';
import type { UploadReport } from './http-program.js';

const MIB = 1_048_576;
const BYTES = inForm({ short: 256 * MIB, long: 1024 * MIB });
/** The default of CONFIG_LWIP_TCP_WND_DEFAULT. */
const WINDOW_BYTES = 131_072;
/** More than the head of the request. */
const HEAD_BYTES = 1024;
/** A stream just below its mark takes one more piece, of at most a window. */
const HELD_LIMIT_BYTES = WINDOW_BYTES + getDefaultHighWaterMark(false) + HEAD_BYTES;
/** Half as much again as in Node 24, and half of the bytes that the short form uploads. */
const GROWTH_LIMIT_BYTES = 128 * MIB;

const PROGRAM = new URL('http-program.js', import.meta.url);

/** Uploads random bytes. Resolves to their hash and the server's report. */
async function upload(port: number): Promise<{ sha256: string; report: UploadReport }> {
  const sha256 = createHash('sha256');
  const chunk = randomBytes(MIB);
  const body = function* (): Generator<Buffer> {
    for (let sent = 0; sent < BYTES; sent += MIB) {
      chunk.writeUInt32LE(sent / MIB);
      sha256.update(chunk);
      // The stream keeps it.
      yield Buffer.from(chunk);
    }
  };
  const post = request({ port, method: 'POST', headers: { 'Content-Length': BYTES } });
  const answered = once(post, 'response') as Promise<[IncomingMessage]>;
  await pipeline(body, post);
  const [response] = await answered;
  return { sha256: sha256.digest('hex'), report: (await json(response)) as UploadReport };
}

describe('an upload to a handler that reads slowly', { timeout: HANGS_MS * CARRIED_WAYS.length }, () => {
  const skip = process.platform === 'linux' ? false : 'memory is read from Linux /proc';

  for (const way of CARRIED_WAYS) {
    const name = `arrives whole, and waits at the sender: ${way.name}`;
    it(name, { skip: skip === false ? way.skip : skip }, async (test) => {
      const program = startIn(test, way, PROGRAM);
      const port = await program.stdout.number(/^listening on port (\d+)$/);
      const { sha256, report } = await upload(port);
      const { mostHeldBytes, grownBytes } = report;
      const figures = `${mostHeldBytes} bytes held at most, resident memory grew by ${grownBytes}`;
      test.diagnostic(`${BYTES / MIB} MiB: ${figures}`);
      assert.deepEqual([report.bytes, report.sha256], [BYTES, sha256]);
      assert.ok(mostHeldBytes <= HELD_LIMIT_BYTES && grownBytes < GROWTH_LIMIT_BYTES, figures);

      program.endInput();
      const lines = (await program.output()).trimEnd().split('\n');
      assert.equal(takeCarried(lines).atOnce, 1);
      assert.equal(program.stderr.text, '');
    });
  }
});
