/**
 * The import rules of the house (docs/architecture.md) are the linter's; these tests see it refuse each
 * kind of breach.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const RULES = [
  'no-restricted-imports',
  '@typescript-eslint/no-restricted-imports',
  'no-restricted-globals',
  'no-restricted-properties',
];

/** A file of the house, a line that must not stand in it, and the rule that says so. */
const BREACHES: readonly [file: string, line: string, rule: string][] = [
  ['src/support/assert.ts', "import '../port/error-code.js';", 'rule 1: support imports nothing'],
  ['src/port/tcp-state.ts', "import '../asynctcp/check.js';", 'rule 1: port imports only support'],
  ['src/port/tcp-state.ts', "import '../task/dispatch.js';", 'rule 1: port imports only support'],
  ['src/task/dispatch.ts', "import '../asynctcp/check.js';", 'rule 2: task does not import asynctcp'],
  ['src/task/dispatch.ts', "import '../stacks/node/node-stack.js';", 'rule 2: task imports no stack'],
  ['src/asynctcp/session.ts', "import '../stacks/node/node-stack.js';", 'rule 2: asynctcp imports no stack'],
  ['src/asynctcp/session.ts', "import '../index.js';", 'rule 2: nothing inside imports the door'],
  ['src/asynctcp/session.ts', "import '../composition.js';", 'rule 2: nor the composition'],
  [
    'src/stacks/node/node-stack.ts',
    "import '../../asynctcp/check.js';",
    'rule 3: a stack does not import the API',
  ],
  ['src/stacks/node/node-stack.ts', "import '../kernel/kernel-stack.js';", 'rule 3: no other stack'],
  ['src/stacks/kernel/kernel-stack.ts', "import '../node/node-stack.js';", 'rule 3: no other stack'],
  [
    'src/stacks/system/resolver.ts',
    "import '../node/node-stack.js';",
    'rule 3: what stacks share knows none',
  ],
  ['src/stacks/node/node-stack.ts', "import '../../addon/load-addon.js';", 'rule 3: only its own folders'],
  ['src/stacks/kernel/kernel-stack.ts', "import '../../task/dispatch.js';", 'rule 3: nor the task'],
  ['src/stacks/memory/wire.ts', "import '../system/copy-slab.js';", 'rule 3: it is no system stack'],
  ['src/stacks/memory/wire.ts', "import 'node:events';", 'rule 5: it runs in any engine'],
  ['src/asynctcp/session.ts', "import '../addon/load-addon.js';", 'rule 2: asynctcp imports no addon'],
  ['src/asynctcp/session.ts', "import 'node:net';", 'rule 5: no runtime modules'],
  ['src/task/dispatch.ts', "import 'node:worker_threads';", 'rule 5: no runtime modules'],
  ['src/task/dispatch.ts', 'export const id = process.pid;', 'rule 5: no globals of Node'],
  ['src/addon/load-addon.ts', "import '../asynctcp/check.js';", 'rule 2: nor does the addon import the API'],
  [
    'src/task/thread-node.ts',
    "import '../asynctcp/check.js';",
    'rule 2: nor does a file of task that is for Node',
  ],
  ['src/support/assert.ts', 'export const bytes = Buffer.alloc(1);', 'rule 5: no Buffer'],
  ['src/asynctcp/session.ts', 'export const now = Date.now();', 'rule 6: no time'],
  ['src/stacks/node/node-stack.ts', 'setTimeout(() => undefined, 1);', 'rule 6: no timers'],
  ['src/cli/serve.ts', 'export const chance = Math.random();', 'rule 6: no chance'],
  ['src/index.ts', 'export const now = performance.now();', 'rule 6: no time at the door'],
  ['src/stacks/node/node-stack.ts', 'setImmediate(() => undefined);', 'rule 7: kept timers'],
  ['src/stacks/system/resolver.ts', 'globalThis.setImmediate(() => undefined);', 'rule 7: kept timers'],
  ['src/stacks/node/node-stack.ts', "import 'node:timers';", 'rule 7: no module of timers'],
  ['src/stacks/node/node-stack.ts', "import 'node:timers/promises';", 'rule 7: no module of timers'],
  ['src/stacks/kernel/kernel-stack.ts', 'process.nextTick(() => undefined);', 'rule 7: no ticks'],
  ['src/task/dispatch.ts', 'queueMicrotask(() => undefined);', 'rule 7: kept microtasks'],
  ['src/task/thread-node.ts', 'queueMicrotask(() => undefined);', 'rule 7: kept microtasks'],
  ['src/index.ts', 'setImmediate(() => undefined);', 'rule 7: at the door as well'],
  ['src/stacks/memory/memory-stack.ts', "import '../system/resolver.js';", 'rule 3: memory shares nothing'],
  ['src/streams/read.ts', "import '../stacks/memory/memory-stack.js';", 'rule 2: streams import no stack'],
  ['src/streams/web.ts', "import 'node:stream/web';", 'rule 5: no runtime modules in streams'],
  ['src/monitor/monitor.ts', "import '../stacks/memory/memory-stack.js';", 'rule 2: nor does the monitor'],
  ['src/asynctcp/session.ts', "import '../monitor/monitor.js';", 'rule 2: nobody below knows the monitor'],
  ['src/gateway/pipe.ts', "import '../stacks/memory/memory-stack.js';", 'rule 2: gateway imports no stack'],
  ['src/gateway/pipe.ts', "import '../net/socket.js';", 'rule 2: nor net'],
  ['src/gateway/pipe.ts', "import 'node:events';", 'rule 5: no runtime modules in gateway'],
  ['src/gateway/link-keeper.ts', 'export const chance = Math.random();', 'rule 6: no chance in a link'],
  ['src/asynctcp/session.ts', "import '../gateway/link-report.js';", 'rule 2: asynctcp knows no gateway'],
  ['src/streams/read.ts', "import '../gateway/pipe.js';", 'rule 2: nor do streams'],
  ['src/stacks/recording/recorder.ts', "import '../memory/memory-stack.js';", 'rule 3: nor does recording'],
  ['web/src/queue/send-queue.ts', "import '../request/request.js';", 'rule 9: queue imports no folder'],
  ['web/src/auth/digest.ts', "import type { A } from '../request/request.js';", 'rule 9: nor do types of it'],
  ['web/src/files/search.ts', "import { A } from '../request/request.js';", 'rule 9: only its type'],
  ['web/src/files/search.ts', "import type { A } from '../request/body.js';", 'rule 9: nothing else of it'],
  ['web/src/response/pump.ts', "import '../handlers/handler.js';", 'rule 9: a response knows no handler'],
  ['web/src/request/body.ts', "import '../middleware/cors.js';", 'rule 9: a request knows no middleware'],
  ['web/src/websocket/event.ts', "import '../events/format.js';", 'rule 9: nor do protocols each other'],
  ['web/src/handlers/handler.ts', "import '../server.js';", 'rule 9: a handler does not know the server'],
  ['web/src/limits.ts', "import './queue/send-queue.js';", 'rule 9: the base knows no folder'],
  ['web/src/limits.ts', "import './server.js';", 'rule 9: nor the server'],
  ['web/src/server.ts', "import './index.js';", 'rule 9: nothing inside imports the door'],
  ['web/src/server.ts', "import '../../src/net/socket.js';", 'rule 9: asynctcp only by its entries'],
  ['web/src/request/body.ts', "import '../../../src/net/socket.js';", 'rule 9: asynctcp only by its entries'],
  ['web/src/request/body.ts', "import '#src/net/socket.js';", 'rule 9: asynctcp only by its entries'],
  ['web/src/request/body.ts', "import 'asynctcp/dist/net.js';", 'rule 9: asynctcp only by its entries'],
  ['web/test/bed.ts', "import 'asynctcp/dist/net.js';", 'rule 9: also in tests'],
];

describe('the linter', () => {
  const linter = new ESLint({ cwd: ROOT });

  async function complaints(file: string, text: string): Promise<string[]> {
    const [result] = await linter.lintText(text, { filePath: `${ROOT}${file}` });
    return (result?.messages ?? []).map(({ ruleId }) => ruleId ?? '').filter((id) => RULES.includes(id));
  }

  for (const [file, line, rule] of BREACHES) {
    it(`holds ${rule} in ${file}`, async () => {
      assert.notDeepEqual(await complaints(file, `${line}\n`), []);
    });
  }

  /** Returns true if the linter refuses the file, whatever is in it. */
  async function isRefused(file: string): Promise<boolean> {
    const config = (await linter.calculateConfigForFile(`${ROOT}${file}`)) as {
      rules: Record<string, unknown>;
    };
    return JSON.stringify(config.rules['no-restricted-syntax'] ?? '').includes('"selector":"Program"');
  }

  it('holds rule 8: a folder that is not listed is refused', async () => {
    for (const file of [
      'src/new-folder/file.ts',
      'src/stacks/new-stack/file.ts',
      'src/stray.ts',
      'web/src/new-folder/file.ts',
    ]) {
      assert.equal(await isRefused(file), true, file);
    }
    for (const file of [
      'src/port/tcp-state.ts',
      'src/stacks/memory/wire.ts',
      'src/index.ts',
      'web/src/server.ts',
      'web/src/queue/send-queue.ts',
    ]) {
      assert.equal(await isRefused(file), false, file);
    }
  });

  it('lets a layer import what it may', async () => {
    assert.deepEqual(await complaints('src/asynctcp/session.ts', "import '../port/error-code.js';\n"), []);
    assert.deepEqual(await complaints('src/stacks/node/node-stack.ts', "import 'node:net';\n"), []);
    assert.deepEqual(
      await complaints('src/stacks/kernel/kernel-stack.ts', "import '../system/resolver.js';\n"),
      [],
    );
    assert.deepEqual(await complaints('src/addon/load-addon.ts', "import 'node:module';\n"), []);
    assert.deepEqual(
      await complaints('web/src/files/search.ts', "import type { A } from '../request/request.js';\n"),
      [],
    );
    assert.deepEqual(await complaints('web/src/request/body.ts', "import 'asynctcp/net';\n"), []);
    assert.deepEqual(await complaints('src/support/clock.ts', 'export const now = performance.now();\n'), []);
    assert.deepEqual(await complaints('src/support/random.ts', 'export const one = Math.random();\n'), []);
    assert.deepEqual(await complaints('src/gateway/pipe.ts', "import '../streams/wait.js';\n"), []);
  });
});
