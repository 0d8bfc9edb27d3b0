/** The interpreter itself: a script that does not hold must fail, and say where. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PROFILES } from '#src/netstack/profile.js';
import { LISTEN, ESTABLISHED } from '../states/ways.js';
import { whyNotApplicable } from './applicable.js';
import { makeNetStack } from './net-stack.js';
import { compareWithList } from './not-passing.js';
import { playScript, type ScriptResult } from './play-script.js';
import { DEFAULTS } from './settings.js';

const makeStack = makeNetStack({ ...PROFILES.linux, tcp: DEFAULTS }, 1);

function play(source: string, isExact = true): ScriptResult {
  return playScript('a script', source, { makeStack, isExact });
}

describe('the interpreter of scripts fails a script', () => {
  for (const [title, lines, reason] of [
    ['whose flags differ', '+0 write(4, ..., 10) = 10\n+0 > FP. 1:11(10) ack 1', /the flags differ/],
    ['whose push flag differs', '+0 write(4, ..., 10) = 10\n+0 > . 1:11(10) ack 1', /the flags differ/],
    [
      'whose sequence number differs',
      '+0 write(4, ..., 10) = 10\n+0 > P. 2:12(10) ack 1',
      /sequence number is 1/,
    ],
    [
      'whose length differs',
      '+0 write(4, ..., 10) = 10\n+0 > P. 1:10(9) ack 1',
      /10 bytes come instead of 9/,
    ],
    [
      'whose acknowledgement differs',
      '+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 2',
      /acknowledgement is 1/,
    ],
    ['whose window differs', '+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1 win 9', /the window is/],
    ['whose options differ', '+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1 <nop>', /the options are <>/],
    ['whose packet comes too early', '+0 write(4, ..., 10) = 10\n+.1 > P. 1:11(10) ack 1', /it is sent at/],
    ['whose packet does not come', '+0 > P. 1:11(10) ack 1', /nothing is sent/],
    [
      'whose call has another result',
      '+0 write(4, ..., 10) = 11\n+0 > P. 1:11(10) ack 1',
      /write returns 10, not 11/,
    ],
    ['whose call has another error', '+0 read(4, ..., 10) = -1 EAGAIN', /read blocks/],
    [
      'whose call ends at another time',
      '+0...1 read(4, ..., 10) = 5\n+.1 < P. 1:6(5) ack 1 win 9',
      /returns at/,
    ],
    ['whose assertion fails', '+0 %{ assert tcpi_state == 7 }%', /tcpi_state is 1/],
    ['that does not expect what comes', '+0 write(4, ..., 10) = 10', /a segment is left/],
  ] as const) {
    it(title, () => {
      const result = play(`${ESTABLISHED}\n${lines}`);
      assert.equal(result.outcome, 'failed');
      assert.match(result.reason ?? '', reason);
    });
  }
});

describe('the interpreter of scripts', () => {
  it('takes one line of data in several segments', () => {
    assert.equal(
      play(`${ESTABLISHED}\n+0 write(4, ..., 2500) = 2500\n+0 > . 1:2001(2000) ack 1`, false).outcome,
      'passed',
    );
  });

  it('does not, with strict segments', () => {
    const source = `--strict_segments\n${ESTABLISHED}\n+0 write(4, ..., 2000) = 2000\n+0 > P. 1:2001(2000) ack 1`;
    assert.match(play(source).reason ?? '', /several segments/);
  });

  for (const [title, line] of [
    ['a call', '+0 epoll_create(1) = 5'],
    ['a sysctl', '`sysctl -q net.ipv4.tcp_rockets=1`\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3'],
    ['a command', '`rm -r x`\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3'],
    ['a socket option', `${LISTEN}\n+0 setsockopt(3, SOL_TCP, TCP_ROCKET, [1], 4) = 0`],
  ] as const) {
    it(`does not play a script with ${title} that it does not know`, () => {
      assert.equal(play(line).outcome, 'unknown');
    });
  }

  it('says which figures of assertions the stack does not keep', () => {
    const result = play(`${ESTABLISHED}\n+0 %{ assert tcpi_rockets == 1 }%`);
    assert.deepEqual([result.outcome, result.unanswered], ['passed', ['tcpi_rockets']]);
  });

  it('counts scripts by what they need', () => {
    assert.equal(whyNotApplicable('+0 < S 0:0(0) win 9 <mss 1>'), undefined);
    assert.equal(whyNotApplicable('// epoll_wait( in a comment'), undefined);
    assert.match(whyNotApplicable('+0 < S 0:0(0) win 9 <FO>') ?? '', /Fast Open/);
  });

  it('compares the list of scripts that do not pass in both directions', () => {
    const passed: ScriptResult = { name: 'passes', outcome: 'passed', unanswered: [] };
    const failed: ScriptResult = { name: 'fails', outcome: 'failed', unanswered: [] };
    const unknown: ScriptResult = { name: 'odd', outcome: 'unknown', unanswered: [] };
    const entry = (script: string) => ({ script, cause: 'ours', reason: 'none' }) as const;
    const { unlisted, stale, listed } = compareWithList(
      [passed, failed, unknown],
      [entry('passes'), entry('odd')],
    );
    assert.deepEqual(unlisted, [failed]);
    assert.deepEqual(stale, [passed]);
    assert.deepEqual(listed, [[unknown, entry('odd')]]);
  });
});
