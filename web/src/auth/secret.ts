/** Comparison of secrets, in a time that does not depend on where they differ. */
import { createHash, timingSafeEqual } from 'node:crypto';

/** Returns true if two secrets are the same; of text, its UTF-8 is compared. */
export function isSameSecret(one: string | Uint8Array, other: string | Uint8Array): boolean {
  // Hashes have one length, which `timingSafeEqual` needs.
  return timingSafeEqual(sha256(one), sha256(other));
}

function sha256(secret: string | Uint8Array): Buffer {
  return createHash('sha256').update(secret).digest();
}
