/** The few assertions that the cases need, without a test runner. */

export class ExpectationFailure extends Error {
  override readonly name = 'ExpectationFailure';
}

export function expect(condition: boolean, what: string): asserts condition {
  if (!condition) throw new ExpectationFailure(`expected: ${what}`);
}

export function expectEqual(actual: unknown, expected: unknown, what: string): void {
  const [seen, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (seen !== wanted) throw new ExpectationFailure(`${what}: expected ${wanted}, saw ${seen}`);
}

/** Checks that `call` throws a `kind` whose message contains all of `parts`. */
export function expectThrows(
  call: () => unknown,
  kind: typeof TypeError | typeof RangeError,
  ...parts: string[]
): void {
  let thrown: unknown;
  try {
    call();
  } catch (error) {
    thrown = error;
  }
  expect(thrown instanceof kind, `a ${kind.name} that names ${parts.join(' and ')}, not ${String(thrown)}`);
  for (const part of parts) expect(thrown.message.includes(part), `'${thrown.message}' names ${part}`);
}
