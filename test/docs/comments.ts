/** The comments of the sources, in TypeScript and in C. */
import { readdirSync } from 'node:fs';
import { ROOT } from './pages.js';
import { sentencesOf } from './words.js';

/** A comment that begins its line: a block, or lines with `//` below each other. */
const COMMENT = /^[ \t]*(\/\*[\s\S]*?\*\/|\/\/.*(\n[ \t]*\/\/.*)*)/gm;
/** The beginning of a line in a comment. */
const MARK = /^[ \t]*(\/\*+|\*|\/\/)/gm;
/** The beginning of a list item or of a tag. */
const ITEM = /^ *(-|\d+\.|@\w+) /gm;

/** Returns the sentences of the comments in a source. */
export function commentSentences(source: string): string[] {
  return [...source.matchAll(COMMENT)].flatMap(([comment]) => {
    const text = comment.replace(/\*\/$/, '').replace(MARK, '').replace(ITEM, '\n\n');
    return sentencesOf(text.split(/\n\s*\n/));
  });
}

/** Returns the paths of the sources under `folder`, from the repository's root. */
export function sources(folder: string): string[] {
  const names = readdirSync(ROOT + folder, { encoding: 'utf8', recursive: true });
  const files = names.filter((name) => /\.(ts|c|h)$/.test(name) && !name.startsWith('build'));
  return files.map((name) => `${folder}/${name}`);
}
