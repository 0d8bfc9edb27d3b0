/** The header that gives a download its name. */

/** Characters that no plain name has; `%` since some clients decode it (RFC 6266, appendix D). */
const UNSAFE = /[^\x20-\x7e]|["\\%]/gu;

/** Returns `Content-Disposition` for a file that is kept under a name, of whatever characters. */
export function attachmentOf(name: string): string {
  const plain = name.replace(UNSAFE, '_');
  const header = `attachment; filename="${plain}"`;
  if (plain === name) return header;
  // RFC 8187 §3.2.1 allows fewer characters than encodeURIComponent leaves.
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${header}; filename*=UTF-8''${encoded}`;
}
