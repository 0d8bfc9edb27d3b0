/** The memory of a process, from Linux's /proc. */
import { readFileSync } from 'node:fs';

/** Returns the bytes of resident memory (`VmRSS`) or their peak (`VmHWM`). */
export function memoryBytes(kind: 'VmRSS' | 'VmHWM', processId: number | 'self' = 'self'): number {
  const status = readFileSync(`/proc/${processId}/status`, 'utf8');
  const [, kib] = new RegExp(`^${kind}:\\s+(\\d+) kB$`, 'm').exec(status) ?? [];
  return Number(kib) * 1024;
}
