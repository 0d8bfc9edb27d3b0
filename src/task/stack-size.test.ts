import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MINIMAL_STACK_BYTES, taskStackBytes } from './stack-size.js';

it('a stack that is too small for the engine is raised to its minimum', () => {
  for (const words of [256, 8192, MINIMAL_STACK_BYTES / 4])
    assert.equal(taskStackBytes(words), MINIMAL_STACK_BYTES);
  assert.ok(taskStackBytes(MINIMAL_STACK_BYTES / 4 + 1) > MINIMAL_STACK_BYTES);
});

it('a stack is as large as it was asked for, in whole pages of 64 KiB', () => {
  for (const words of [131_073, 300_000, 1_048_576, 16_777_216]) {
    const bytes = taskStackBytes(words);
    assert.equal(bytes % 65_536, 0);
    assert.ok(bytes >= words * 4 && bytes < words * 4 + 65_536);
  }
});
