/** Comments are held to the words that pages are held to. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { commentSentences, sources } from './comments.js';
import { ROOT } from './pages.js';
import { isVague } from './words.js';

describe('comments', () => {
  for (const folder of ['src', 'native', 'web/src', 'web/test']) {
    it(`of ${folder} have no word or clause whose subject or object must be guessed`, () => {
      const breaches = sources(folder).flatMap((path) => {
        const sentences = commentSentences(readFileSync(ROOT + path, 'utf8'));
        return sentences.filter(isVague).map((sentence) => `${path}: ${sentence}`);
      });
      assert.deepEqual(breaches, []);
    });
  }

  it('are found as blocks, as lines and as items of a list', () => {
    const source = [
      '/** Returns one. Never two. */',
      'const text = "// no comment";',
      '  // First line,',
      '  // second line.',
      '/*',
      ' * Head:',
      ' * - an item',
      ' * @returns a tag.',
      ' */',
    ].join('\n');
    assert.deepEqual(commentSentences(source), [
      'Returns one.',
      'Never two.',
      'First line, second line.',
      'Head:',
      'an item',
      'a tag.',
    ]);
  });

  it('with vague words are seen', () => {
    assert.ok(isVague('Whether anybody waits for it.'));
    assert.ok(isVague('Opens the window by so many bytes.'));
    assert.ok(!isVague('Returns true if someone waits for acknowledgements.'));
  });
});
