/** Network namespaces for tests: a program in one has no interface but those that the test makes. */
import { spawnSync } from 'node:child_process';
import { whatIsMissing } from '../e2e/programs.js';

/** Commands that run another one in a new network namespace: as root, or in a user namespace without root. */
const COMMANDS = [
  ['unshare', '--net'],
  ['unshare', '--user', '--map-root-user', '--net'],
] as const;

type NamespaceCommand = (typeof COMMANDS)[number];

const findCommand = once((): NamespaceCommand | undefined =>
  COMMANDS.find(([command, ...options]) => spawnSync(command, [...options, 'true']).status === 0),
);

const findTapFailure = once((): string | undefined => {
  const [command = '', ...words] = inNamespace(['ip', 'tuntap', 'add', 'dev', 'probe', 'mode', 'tap']);
  const { status, stderr } = spawnSync(command, words, { encoding: 'utf8' });
  return status === 0 ? undefined : `this user may not make a TAP device: ${stderr.trim()}`;
});

function once<T>(find: () => T): () => T {
  let found: { readonly value: T } | undefined;
  return () => (found ??= { value: find() }).value;
}

/** Returns why this machine cannot run a program in a network namespace of its own, if it cannot. */
export function whyNoNamespace(): string | undefined {
  const missing = whatIsMissing(['unshare', 'ip']);
  if (missing !== undefined) return missing;
  const cannot = findCommand() === undefined;
  return cannot ? 'this user may not make a network namespace (unshare --net)' : undefined;
}

/** Returns why this machine cannot make a TAP device in a network namespace, if it cannot. */
export function whyNoTap(): string | undefined {
  return whyNoNamespace() ?? findTapFailure();
}

/**
 * Returns the command that runs another one in a namespace whose `lo` is up.
 * @param prepare further commands of the shell that run in the namespace before it.
 */
export function inNamespace(words: readonly string[], prepare: readonly string[] = []): readonly string[] {
  const script = ['ip link set lo up', ...prepare, 'exec "$@"'].join(' && ');
  return [...(findCommand() ?? []), 'sh', '-c', script, 'sh', ...words];
}
