/** The pages of the documentation, and the parts of a page that tests look at. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { sentencesOf } from './words.js';

/** Path of the repository, with a slash at the end. */
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

const FENCE = /^```(\w*)\n(.*?)^```$/gms;

export class Page {
  /** Path from the repository's root. */
  readonly path: string;
  readonly text: string;

  constructor(path: string) {
    this.path = path;
    this.text = readFileSync(ROOT + path, 'utf8');
  }

  /** Returns the contents of the code blocks that are in `language`. */
  blocks(language: string): string[] {
    return [...this.text.matchAll(FENCE)]
      .filter(([, tag]) => tag === language)
      .map(([, , code = '']) => code);
  }

  /** The page without its code blocks. */
  get prose(): string {
    return this.text.replace(FENCE, '');
  }

  /** Returns the targets of links and images that lie in this repository, with their anchors. */
  links(): string[] {
    const targets = [...this.prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
    return targets.filter((target) => !/^[a-z]+:/.test(target));
  }

  /** Returns the anchors of the headings, as GitHub and npm make them. */
  anchors(): Set<string> {
    const anchors = new Set<string>();
    for (const [, heading = ''] of this.prose.matchAll(/^#+ (.+)$/gm)) {
      const anchor = heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-');
      let name = anchor;
      for (let count = 1; anchors.has(name); count += 1) name = `${anchor}-${count}`;
      anchors.add(name);
    }
    return anchors;
  }

  /** Returns the parts of the text that stand in backticks. */
  codes(): string[] {
    return [...this.prose.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
  }

  /** Returns the sentences of paragraphs, list items and table cells, without headings. */
  sentences(): string[] {
    const paragraphs = this.prose
      .replace(/^(#.*|\|.*|<!--.*)$/gm, (line) => `\n\n${line.startsWith('|') ? cells(line) : ''}\n\n`)
      .replace(/^\s*(-|\d+\.) /gm, '\n\n')
      .replace(/\*\*/g, '')
      .split(/\n\s*\n/);
    return sentencesOf(paragraphs);
  }
}

function cells(row: string): string {
  return row
    .split(' | ')
    .join('\n\n')
    .replace(/^\||\|$/g, '');
}

/** Returns every page, the README first. */
export function allPages(): Page[] {
  const docs = readdirSync(`${ROOT}docs`).filter((name) => name.endsWith('.md'));
  const others = ['README.md', 'CONTRIBUTING.md', 'bench/README.md', 'web/README.md'];
  const paths = [...others, ...docs.map((name) => `docs/${name}`)];
  return paths.map((path) => new Page(path));
}
