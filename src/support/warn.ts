/** What the library has to say to whoever runs the program, one line each. */
export function warn(line: string): void {
  console.warn(`asynctcp: ${line}`);
}
