/**
 * Runs one case on one target, also a case that the target lists as unmet: if it passes, the list is wrong.
 */
import type { ContractCase, Target } from './case.js';

export type Outcome =
  | { readonly kind: 'met' }
  | { readonly kind: 'unmet'; readonly reason: string }
  | { readonly kind: 'failed'; readonly error: Error };

export async function runCase(target: Target, contractCase: ContractCase): Promise<Outcome> {
  const reason = target.unmet[contractCase.id];
  try {
    await target.run(contractCase);
  } catch (error) {
    if (reason !== undefined) return { kind: 'unmet', reason };
    return { kind: 'failed', error: error instanceof Error ? error : new Error(String(error)) };
  }
  if (reason === undefined) return { kind: 'met' };
  const error = new Error(`${contractCase.id} passes on ${target.name}, which lists it as unmet: ${reason}`);
  return { kind: 'failed', error };
}
