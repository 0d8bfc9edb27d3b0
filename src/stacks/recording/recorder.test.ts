/** Lines are kept or passed on, within the bounds. */
import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { MAX_RECORDED_LINES, MAX_SHOWN_BYTES } from '../../asynctcp/stack-options.js';
import { recordingStack } from '../../index.js';
import { SteppedClock } from '../../support/stepped-clock.js';
import { MemoryStack } from '../memory/memory-stack.js';
import { clipped, faultText, MAX_TEXT_CHARACTERS } from './line-text.js';
import { Recorder } from './recorder.js';
import { DEFAULT_LINES, type RecordingOptions } from './recording-options.js';

/** Returns a recorder of `count` calls, which are named by their numbers. */
function recorderOf(count: number, options: RecordingOptions): Recorder {
  const recorder = new Recorder(new SteppedClock(), options);
  for (let index = 1; index <= count; index += 1) recorder.call(index, `call ${index}`);
  return recorder;
}

function namesOf(recorder: Recorder): string[] {
  return recorder.lines().map((line) => line.slice(line.indexOf('call')));
}

describe('the list of lines', () => {
  it('keeps as many lines as the option says', () => {
    const recorder = recorderOf(3, { maxLines: 3 });
    assert.deepEqual([namesOf(recorder), recorder.dropped], [['call 1', 'call 2', 'call 3'], 0]);
  });

  it('drops the oldest line for one more, again and again', () => {
    const recorder = recorderOf(4, { maxLines: 3 });
    assert.deepEqual([namesOf(recorder), recorder.dropped], [['call 2', 'call 3', 'call 4'], 1]);
    const longer = recorderOf(8, { maxLines: 3 });
    assert.deepEqual([namesOf(longer), longer.dropped], [['call 6', 'call 7', 'call 8'], 5]);
  });

  it('keeps a bounded number of lines without the option', () => {
    assert.equal(recorderOf(DEFAULT_LINES, {}).dropped, 0);
    assert.equal(recorderOf(DEFAULT_LINES + 1, {}).dropped, 1);
  });
});

describe('the sink', () => {
  it('receives each line, and none is kept', () => {
    const lines: string[] = [];
    const recorder = recorderOf(2, { sink: (line) => lines.push(line) });
    recorder.event(1, 'onEnd');
    assert.deepEqual(lines, [
      ' 1000000.000 #1 → call 1',
      ' 1000000.000 #2 → call 2',
      ' 1000000.000 #1 ← onEnd',
    ]);
    assert.deepEqual([recorder.lines(), recorder.dropped], [[], 0]);
  });

  it('is not called again after it threw: one warning, and the lines are counted', (test) => {
    const warn = test.mock.method(console, 'warn', () => undefined);
    const sink = mock.fn(() => {
      throw new Error('disk full');
    });
    const recorder = recorderOf(3, { sink });
    assert.deepEqual([sink.mock.callCount(), warn.mock.callCount(), recorder.dropped], [1, 1, 3]);
    assert.match(String(warn.mock.calls[0]?.arguments[0]), /sink of a recording threw.*disk full/);
  });
});

describe('bytes in a line', () => {
  const bytes = new TextEncoder().encode('abcde');

  it('are not shown without the option', () => {
    assert.equal(recorderOf(0, {}).shown(bytes, 5), '');
  });

  it('are shown up to the option’s number', () => {
    assert.equal(recorderOf(0, { shownBytes: 5 }).shown(bytes, 5), ' "abcde"');
    assert.equal(recorderOf(0, { shownBytes: 4 }).shown(bytes, 5), ' "abcd"…');
    assert.equal(recorderOf(0, { shownBytes: 4 }).shown(bytes, 4), ' "abcd"');
    assert.equal(recorderOf(0, { shownBytes: 4 }).shown(bytes, 0), '');
  });
});

describe('text in a line', () => {
  it('ends at its bound', () => {
    const longest = 'x'.repeat(MAX_TEXT_CHARACTERS);
    assert.equal(clipped(longest), longest);
    assert.equal(clipped(`${longest}x`), `${longest}…`);
  });

  it('stays in its line', () => {
    assert.equal(faultText({ code: -14, cause: new Error('a\nb') }), 'ERR_RST "a\\nb"');
  });
});

describe('recordingStack', () => {
  const memory = new MemoryStack();

  it('takes options up to their bounds', () => {
    for (const maxLines of [1, MAX_RECORDED_LINES]) recordingStack(memory, { maxLines });
    for (const shownBytes of [0, MAX_SHOWN_BYTES]) recordingStack(memory, { shownBytes });
  });

  const wrong: readonly [RecordingOptions, typeof TypeError | typeof RangeError][] = [
    [{ maxLines: 0 }, RangeError],
    [{ maxLines: MAX_RECORDED_LINES + 1 }, RangeError],
    [{ shownBytes: -1 }, RangeError],
    [{ shownBytes: MAX_SHOWN_BYTES + 1 }, RangeError],
    [{ verbose: 1 as unknown as boolean }, TypeError],
    [{ sink: 'stderr' as unknown as () => void }, TypeError],
  ];
  for (const [options, kind] of wrong) {
    const [name = ''] = Object.keys(options);
    it(`refuses ${JSON.stringify(options)}, and names the option`, () => {
      assert.throws(() => recordingStack(memory, options), {
        name: kind.name,
        message: new RegExp(`^${name} `),
      });
    });
  }
});
