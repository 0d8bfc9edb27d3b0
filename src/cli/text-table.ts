/** Text in columns, for the help and for the output of `serve`. */

const HELP_WIDTH = 80;
/** A longer name has a line of its own. */
const MAX_NAME_WIDTH = 22;
const INDENT = '  ';
const NARROW_MARGIN = ' '.repeat(6);

/** Aligns cells in columns, two blanks apart; the last column is not padded. */
export function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  const padded = (cell: string, column: number): string => cell.padEnd(widths[column] ?? 0);
  return rows.map((row) => `${INDENT}${row.map(padded).join(INDENT)}`.trimEnd());
}

/** Breaks a text at blanks into lines of at most `width` characters; a longer word has a line of its own. */
export function wrap(text: string, width: number = HELP_WIDTH): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line === '') line = word;
    else if (line.length + 1 + word.length <= width) line += ` ${word}`;
    else {
      lines.push(line);
      line = word;
    }
  }
  return [...lines, line];
}

/**
 * Puts names on the left and their meanings, wrapped, on the right. A name that is too long has a line of
 * its own; if most names are too long, all have.
 */
export function definitionList(rows: readonly (readonly [name: string, meaning: string])[]): string[] {
  const fitting = rows.map(([name]) => name.length).filter((length) => length <= MAX_NAME_WIDTH);
  const nameWidth = fitting.length * 2 > rows.length ? Math.max(...fitting) : 0;
  const margin = nameWidth === 0 ? NARROW_MARGIN : ' '.repeat(INDENT.length * 2 + nameWidth);
  return rows.flatMap(([name, meaning]) => {
    const lines = wrap(meaning, HELP_WIDTH - margin.length).map((line) => margin + line);
    if (name.length > nameWidth) return [INDENT + name, ...lines];
    const [first = '', ...others] = lines;
    return [INDENT + name.padEnd(nameWidth) + first.slice(INDENT.length + nameWidth), ...others];
  });
}
