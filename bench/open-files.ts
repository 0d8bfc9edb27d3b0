// Raises the limit of open files, which a process with very many connections needs.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

import type { Command } from './children.js';

const FILES_BESIDE_CONNECTIONS = 400;

export interface FileLimits {
  readonly soft: number;
  readonly hard: number;
}

/** Parses the text of /proc/<pid>/limits. */
export function fileLimitsIn(text: string): FileLimits {
  const [, soft = '0', hard = '0'] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(text) ?? [];
  const number = (limit: string): number =>
    limit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit);
  return { soft: number(soft), hard: number(hard) };
}

function ownLimits(): FileLimits {
  return fileLimitsIn(readFileSync('/proc/self/limits', 'utf8'));
}

/** Returns the command, with raised limits if necessary. Only root may raise the hard limit. */
export function withOpenFiles(connections: number, command: Command, limits = ownLimits()): Command {
  const files = connections + FILES_BESIDE_CONNECTIONS;
  if (files <= limits.soft) return command;
  const hard = files <= limits.hard ? '' : files;
  return ['prlimit', `--nofile=${files}:${hard}`, ...command];
}

/** Returns true if a child process can have this number of connections. */
export function canHaveConnections(connections: number): boolean {
  const [program, ...args] = withOpenFiles(connections, ['true']);
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}
