/** Refuses paths below a folder that are not looked for at all. */

/** Control characters, what separates folders on Windows, and halves of a UTF-16 pair. */
// eslint-disable-next-line no-control-regex -- these are looked for.
const FORBIDDEN = /[\u0000-\u001f\u007f\\]|\p{Surrogate}/u;

/** Names that Windows gives to a device, with whatever ending. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:[.:].*)?$/i;

/** Windows drops these at the end of a name, so that two names mean one file. */
const DROPPED_END = /[. ]$/;

/**
 * Splits a path below a folder into its names. Returns `undefined` for a path that is never looked for: one
 * that climbs, has an empty name, a name of a device or, on Windows, a drive or a stream.
 * @param path names with slashes between them; a slash at the beginning means the same folder. Empty: the
 *   folder itself.
 */
export function namesOf(path: string, dotfiles: boolean, platform = process.platform): string[] | undefined {
  if (FORBIDDEN.test(path)) return undefined;
  const relative = path.startsWith('/') ? path.slice(1) : path;
  if (relative === '') return [];
  const names = relative.split('/');
  return names.every((name) => isName(name, dotfiles, platform)) ? names : undefined;
}

function isName(name: string, dotfiles: boolean, platform: string): boolean {
  if (name === '' || DROPPED_END.test(name) || DEVICE.test(name)) return false;
  if (platform === 'win32' && name.includes(':')) return false;
  return dotfiles || !name.startsWith('.');
}
