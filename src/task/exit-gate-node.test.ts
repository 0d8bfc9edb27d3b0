import assert from 'node:assert/strict';
import { once } from 'node:events';
import process from 'node:process';
import { it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { enterGate, isClosed, leaveGate, makeGate, removeGate } from './exit-gate-node.js';

/** Calls the listener of the process's exit that the gates have, without an exit. */
function exitOnce(): void {
  const listener = process.listeners('exit').at(-1);
  assert.ok(listener !== undefined);
  Reflect.apply(listener, process, [0]);
}

it('all gates have one listener of the exit, while there is a gate', () => {
  const before = process.listenerCount('exit');
  const gates = [makeGate(), makeGate()];
  assert.equal(process.listenerCount('exit'), before + 1);
  for (const gate of gates) removeGate(gate);
  assert.equal(process.listenerCount('exit'), before);
});

it('no examination begins behind a gate that the exit has closed', () => {
  const gate = makeGate();
  assert.equal(enterGate(gate), true);
  leaveGate(gate);
  assert.equal(isClosed(gate), false);
  exitOnce();
  removeGate(gate);
  assert.deepEqual([isClosed(gate), enterGate(gate)], [true, false]);
});

it('the exit waits for an examination under way', async () => {
  const gate = makeGate();
  enterGate(gate);
  const module = new URL('exit-gate-node.js', import.meta.url).href;
  const text = `
    import { workerData } from 'node:worker_threads';
    import { isClosed, leaveGate } from '${module}';
    console.log('ready');
    while (!isClosed(workerData));
    leaveGate(workerData);`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(text)}`), {
    workerData: gate,
    stdout: true,
  });
  await once(worker.stdout, 'data');
  exitOnce();
  removeGate(gate);
  const [, examinations] = gate;
  assert.equal(examinations, 0);
  await once(worker, 'exit');
});
