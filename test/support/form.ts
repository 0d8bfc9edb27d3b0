/**
 * The soak tests have two forms: the short one runs with all tests, the long one with `npm run test:soak`.
 * They differ in how much they do, never in what they demand.
 */

export const isLong = process.env['ASYNCTCP_SOAK'] === '1';

/** Ends a test that hangs; no passing test waits for it. */
export const HANGS_MS = isLong ? 600_000 : 120_000;

export function inForm<Amount>(amounts: { short: Amount; long: Amount }): Amount {
  return isLong ? amounts.long : amounts.short;
}
