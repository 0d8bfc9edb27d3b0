// The command of a contestant's server on each runtime.

import { join } from 'node:path';

import type { Command } from './children.js';
import type { Contestant } from './contestants.js';
import type { Mode } from './protocol.js';
import type { Tools } from './tools.js';

/** Keeps the runtimes from looking for newer versions of themselves during a measurement. */
export const SERVER_VARIABLES = {
  DENO_NO_UPDATE_CHECK: '1',
  DENO_NO_PACKAGE_JSON: '1',
  DO_NOT_TRACK: '1',
  // Libraries leave out what is only for their users' development.
  NODE_ENV: 'production',
};

const DENO_FLAGS = ['--quiet', '--no-config', '--no-lock', '--no-remote', '--no-prompt'];

/** Deno's `node:process`, which the servers share, reads the environment when it is loaded. */
const DENO_PERMISSIONS = ['--allow-net=127.0.0.1', '--allow-env', '--allow-read'];

export function canTellHeap({ runtime }: Contestant): boolean {
  return runtime === 'node';
}

function hookOf({ isHooked }: Contestant): string[] {
  return isHooked === true ? ['--import', import.meta.resolve('asynctcp/net/register')] : [];
}

function missing(name: string): never {
  throw new Error(`there is no ${name} to run a server with`);
}

export function serverCommand(contestant: Contestant, mode: Mode, tools: Tools): Command {
  const { runtime, program, args } = contestant;
  const script = join(import.meta.dirname, 'servers', `${program}.js`);
  switch (runtime) {
    case 'c':
      return [tools.epoll, mode, ...args];
    case 'node':
      return [process.execPath, '--expose-gc', ...hookOf(contestant), script, mode, ...args];
    case 'bun':
      return [tools.bun ?? missing('Bun'), '--no-install', 'run', script, mode, ...args];
    case 'deno':
      return [
        tools.deno ?? missing('Deno'),
        'run',
        ...DENO_FLAGS,
        ...DENO_PERMISSIONS,
        script,
        mode,
        ...args,
      ];
  }
}
