import assert from 'node:assert/strict';
import { it } from 'node:test';
import { takeUncaught, throwUncaught } from './uncaught.js';

it('an error goes to the taker, and the taker before it is back when that ends', () => {
  const taken: unknown[] = [];
  const outer = (error: unknown): void => void taken.push(['outer', error]);
  const inner = (error: unknown): void => void taken.push(['inner', error]);
  assert.equal(takeUncaught(outer), undefined);
  const former = takeUncaught(inner);
  throwUncaught(1);
  takeUncaught(former);
  throwUncaught(2);
  assert.equal(takeUncaught(undefined), outer);
  assert.deepEqual(taken, [
    ['inner', 1],
    ['outer', 2],
  ]);
});

it('an error without a taker is uncaught, and unwinds no caller', async () => {
  const error = new Error('without a taker');
  const uncaught = new Promise((resolve) => {
    process.setUncaughtExceptionCaptureCallback(resolve);
  });
  try {
    throwUncaught(error);
    assert.equal(await uncaught, error);
  } finally {
    process.setUncaughtExceptionCaptureCallback(null);
  }
});
