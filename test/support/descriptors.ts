/** The open descriptors of this process, from Linux's /proc. */
import { readdirSync, readlinkSync } from 'node:fs';

/** Returns what each descriptor refers to: `socket:[4711]`, `anon_inode:[eventpoll]`, `/dev/null` … */
export function descriptorLinks(): string[] {
  return readdirSync('/proc/self/fd').map(linkOf);
}

/** Returns '' for the descriptor that `readdirSync` itself used, which is closed by now. */
function linkOf(name: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${name}`);
  } catch {
    return '';
  }
}

export function socketDescriptors(): number {
  return descriptorLinks().filter((link) => link.startsWith('socket:')).length;
}
