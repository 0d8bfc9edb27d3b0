/** Prints a warning of one line for the user who runs the program. */
export function warn(line: string): void {
  console.warn(`asynctcp: ${line}`);
}
