/**
 * Memory of received pieces is kept by the allocator, so that large pieces cause no page faults again and
 * again.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadAddon } from '#src/addon/load-addon.js';

const PROGRAM = fileURLToPath(new URL('freed-memory-program.js', import.meta.url));
const LARGE_PIECE = fileURLToPath(new URL('large-piece-program.js', import.meta.url));
/** Ends a process that hangs. No passing test waits this long. */
const HANGS_MS = 60_000;
const PIECE_BYTES = 65_536;
/** Together smaller than the memory that is kept. */
const PIECES = 600;
const PAGES = (PIECES * PIECE_BYTES) / 4096;
/** Without the setting about every other process has lost all pages: eight of them show it. */
const PROCESSES = 8;

const { reason } = loadAddon();

for (const stack of ['kernel', 'node']) {
  const whyNot = process.platform !== 'linux' ? 'it is for Linux' : stack === 'kernel' && reason;
  it(`freed memory is kept once ${stack} has given a program a large piece`, { skip: whyNot }, () => {
    const options = { encoding: 'utf8', timeout: HANGS_MS } as const;
    assert.equal(execFileSync(process.execPath, [LARGE_PIECE, stack], options), 'kept\n');
  });
}

it('large pieces come into memory that the process has', { skip: process.platform !== 'linux' }, () => {
  for (let run = 0; run < PROCESSES; run += 1) {
    const words = ['--expose-gc', PROGRAM, String(PIECE_BYTES), String(PIECES)];
    const faults = Number(execFileSync(process.execPath, words, { encoding: 'utf8' }));
    assert.ok(faults < PAGES / 4, `${faults} page faults for ${PAGES} pages`);
  }
});
