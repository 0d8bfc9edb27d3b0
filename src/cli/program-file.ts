/** Files of JavaScript and TypeScript that a command is to run. */
import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CommandError, wrongArguments } from './command.js';

/**
 * Returns the address of a program's file.
 * @param noun what the program is to the command, for messages.
 * @throws CommandError if there is no such file.
 */
export function programUrl(path: string, noun: string): URL {
  const full = resolve(path);
  if (!existsSync(full)) throw wrongArguments(`there is no ${noun} ${JSON.stringify(path)}`);
  if (statSync(full).isDirectory()) {
    throw wrongArguments(`${JSON.stringify(path)} is a folder; name the ${noun}'s file`);
  }
  return pathToFileURL(full);
}

/** True if Node runs TypeScript by itself, without a loader; 22.18 and 23.6 were the first by default. */
function runsTypeScript(): boolean {
  return Boolean(Reflect.get(process.features, 'typescript'));
}

/**
 * True if the error is Node's at TypeScript that it cannot run: it refuses the file, or reads it as
 * JavaScript.
 */
function isRefusedTypeScript(error: unknown, program: URL): boolean {
  if (!(error instanceof Error) || runsTypeScript()) return false;
  if (/^Unknown file extension "\.[cm]?ts"/.test(error.message)) return true;
  return error.name === 'SyntaxError' && /\.[cm]?ts$/.test(program.pathname);
}

/** Returns the remedy if the error is that this Node runs no TypeScript; `undefined` for other errors. */
export function typeScriptRefusal(error: unknown, program: URL): CommandError | undefined {
  if (!isRefusedTypeScript(error, program)) return undefined;
  const said = error instanceof Error ? error.message : String(error);
  return new CommandError(
    `Node ${process.versions.node} does not run TypeScript (${said}): Node 22.18, 23.6 and newer do by default; ` +
      `take one of them, or compile the program`,
  );
}
