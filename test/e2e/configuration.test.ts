/** The configuration from the environment of a program. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { it } from 'node:test';
import { loadAddon } from '#src/addon/load-addon.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const { reason } = loadAddon();

/** Returns the lines that a program with two clients prints for its user. */
function told(variables: Record<string, string>): string[] {
  const source = "import { AsyncClient } from 'asynctcp'; new AsyncClient(); new AsyncClient();";
  const { stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, ...variables },
  });
  assert.equal(status, 0, stderr);
  return stderr.split('\n').slice(0, -1);
}

const QUEUE_SIZE = 'asynctcp: CONFIG_ASYNC_TCP_QUEUE_SIZE has no effect on the node stack';

it('a symbol that the stack cannot meet is reported once', () => {
  const variables = { CONFIG_ASYNC_TCP_QUEUE_SIZE: '16', CONFIG_ASYNC_TCP_STACK: 'node' };
  assert.deepEqual(told(variables), [QUEUE_SIZE]);
  assert.deepEqual(told({ ...variables, CONFIG_LWIP_TCP_MSS: '1000' }), [
    'asynctcp: CONFIG_LWIP_TCP_MSS has no effect on the node stack',
    QUEUE_SIZE,
  ]);
});

it('and not where it can', { skip: reason ?? false }, () => {
  for (const stack of ['kernel', 'auto']) {
    assert.deepEqual(told({ CONFIG_ASYNC_TCP_QUEUE_SIZE: '16', CONFIG_ASYNC_TCP_STACK: stack }), []);
  }
});
