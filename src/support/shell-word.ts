/** Words of commands that a user copies into a POSIX shell. */

/** Returns the word in quotes if it has characters that a shell would take for its own. */
export function shellWord(word: string): string {
  return /^[\w./@:=+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
