/**
 * The two forms of the long-running tests: the short form runs with all tests, the long form with `npm run
 * test:soak`. They differ in the amount of work, never in what they check.
 */

export const isLong = process.env['ASYNCTCP_SOAK'] === '1';

/** Ends a test that hangs. No passing test waits this long. */
export const HANGS_MS = isLong ? 600_000 : 120_000;

export function inForm<Amount>(amounts: { short: Amount; long: Amount }): Amount {
  return isLong ? amounts.long : amounts.short;
}
