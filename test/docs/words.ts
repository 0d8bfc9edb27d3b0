/** Words that pages and comments do without, because a reader has to guess their subject or object. */
const VAGUE_WORDS = /\b(who(so)?ever|so many|(some|any|no)body|told)\b/i;
/** A sentence that begins so has a clause for its subject; a question may. */
const CLAUSE_FIRST = /^["'(]?(What|Who|Where|Whether|Which|Why|How)\b.*[^?]$/;

/** Returns true if a reader has to guess what the sentence speaks of. */
export function isVague(sentence: string): boolean {
  return VAGUE_WORDS.test(sentence) || CLAUSE_FIRST.test(sentence);
}

/** Returns the sentences of paragraphs, each on one line. */
export function sentencesOf(paragraphs: readonly string[]): string[] {
  const lines = paragraphs.map((paragraph) => paragraph.replace(/\s+/g, ' ').trim());
  return lines.flatMap((line) => line.split(/(?<=[.!?])\s+/)).filter((sentence) => sentence !== '');
}
