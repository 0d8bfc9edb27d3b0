import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CommandError, parseArguments, type Command, type Option } from './command.js';
import { commandHelp, mainHelp } from './help.js';

const OPTIONS: readonly Option[] = [
  { name: 'quiet', short: 'q', meaning: 'says nothing' },
  { name: 'core', value: 'N', meaning: 'which core' },
  { name: 'define', short: 'D', value: 'SYMBOL=value', repeatable: true, meaning: 'a symbol' },
];

describe('the arguments of a command', () => {
  it('are read by the table of options', () => {
    const given = parseArguments(['-q', '--core=3', '-DA=1', '--define', 'B=-2'], OPTIONS, 'none');
    assert.equal(given.isOn('quiet'), true);
    assert.equal(given.value('core'), '3');
    assert.deepEqual(given.values('define'), ['A=1', 'B=-2']);
  });

  it('may be left out', () => {
    const given = parseArguments([], OPTIONS, 'none');
    assert.equal(given.isOn('quiet'), false);
    assert.equal(given.value('core'), undefined);
    assert.deepEqual(given.values('define'), []);
  });

  it('of which the last one wins where one value is wanted', () => {
    assert.equal(parseArguments(['--core', '1', '--core', '2'], OPTIONS, 'none').value('core'), '2');
  });

  it('may be followed by operands where the command takes them', () => {
    assert.deepEqual(parseArguments(['-q', 'a', 'b'], OPTIONS, 'anywhere').operands, ['a', 'b']);
  });

  const mistakes: [words: string[], message: string][] = [
    [['--loud'], "unknown option '--loud'"],
    [['-x'], "unknown option '-x'"],
    [['app.js'], "unexpected argument 'app.js'"],
    [['--core'], '--core N needs a value'],
    [['--core', '-1'], '--core N needs a value'],
    [['-D'], '-D, --define SYMBOL=value needs a value'],
    [['--quiet=1'], '-q, --quiet takes no value'],
  ];
  for (const [words, message] of mistakes) {
    it(`are refused in one short sentence: ${words.join(' ')}`, () => {
      assert.throws(
        () => parseArguments(words, OPTIONS, 'none'),
        (error) => error instanceof CommandError && error.message === message && error.status === 2,
      );
    });
  }

  it('are refused where operands are allowed, without advice about --', () => {
    assert.throws(() => parseArguments(['--loud'], OPTIONS, 'anywhere'), {
      message: "unknown option '--loud'",
    });
  });
});

describe('the arguments of a command whose first operand ends the options', () => {
  const cases: [words: string[], operands: string[], quiet: boolean, core: string | undefined][] = [
    [[], [], false, undefined],
    [['-q'], [], true, undefined],
    [['app.js'], ['app.js'], false, undefined],
    [['-q', '--core', '3', 'app.js', '8080'], ['app.js', '8080'], true, '3'],
    [['app.js', '-q', '--core', '3'], ['app.js', '-q', '--core', '3'], false, undefined],
    [['--core', '3', 'app.js', '--core', '4'], ['app.js', '--core', '4'], false, '3'],
    [['app.js', '--foo', '-D'], ['app.js', '--foo', '-D'], false, undefined],
    [['app.js', '--', '-x'], ['app.js', '--', '-x'], false, undefined],
    [['--', '-q'], ['-q'], false, undefined],
    [['-q', '--', 'app.js', '--', '-q'], ['app.js', '--', '-q'], true, undefined],
    [['-', '-q'], ['-', '-q'], false, undefined],
  ];
  for (const [words, operands, quiet, core] of cases) {
    it(`belong to it up to there: ${words.join(' ')}`, () => {
      const given = parseArguments(words, OPTIONS, 'end the options');
      assert.deepEqual(given.operands, operands);
      assert.deepEqual([given.isOn('quiet'), given.value('core')], [quiet, core]);
    });
  }

  it('keep an option of the command and the same one of the program apart', () => {
    const given = parseArguments(['-DA=1', '-D', 'B=2', 'app.js', '-D', 'C=3'], OPTIONS, 'end the options');
    assert.deepEqual(given.values('define'), ['A=1', 'B=2']);
    assert.deepEqual(given.operands, ['app.js', '-D', 'C=3']);
  });

  const mistakes: [words: string[], message: string][] = [
    [['--loud', 'app.js'], "unknown option '--loud'"],
    [['-q', '--core'], '--core N needs a value'],
    [['--quiet=1', 'app.js'], '-q, --quiet takes no value'],
    [['-D', '-q', 'app.js'], '-D, --define SYMBOL=value needs a value'],
  ];
  for (const [words, message] of mistakes) {
    it(`are refused in one short sentence: ${words.join(' ')}`, () => {
      assert.throws(() => parseArguments(words, OPTIONS, 'end the options'), { message, status: 2 });
    });
  }
});

describe('the help', () => {
  const command: Command = {
    name: 'sleep',
    summary: 'does nothing',
    operands: 'SECONDS',
    description: `Does nothing ${'and again nothing '.repeat(8)}until it ends.`,
    options: OPTIONS,
    sections: [{ title: 'Exit status', rows: [['0', 'slept well '.repeat(12).trim()]] }],
    run: () => 0,
  };

  it('of a command names usage, every option and every section, within 80 columns', () => {
    const text = commandHelp(command);
    assert.match(text, /^Usage: asynctcp sleep \[options\] SECONDS\n/);
    for (const option of ['-q, --quiet', '--core N', '-D, --define SYMBOL=value', '-h, --help']) {
      assert.ok(text.includes(`\n  ${option}`), option);
    }
    assert.match(text, /\nExit status:\n {2}0 {2}slept/);
    for (const line of text.split('\n')) assert.ok(line.length <= 80, line);
  });

  it('of the program names every command', () => {
    assert.match(mainHelp([command], []), /\n {2}sleep {2}does nothing\n/);
  });
});
