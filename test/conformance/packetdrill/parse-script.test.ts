/** The parser of scripts. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseScript } from './parse-script.js';
import type { Action } from './script.js';
import { UnknownLine } from './tokens.js';

function action(text: string): Action | undefined {
  return parseScript('a script', text).lines[0]?.action;
}

describe('the parser of scripts', () => {
  it('reads options, commands and lines, and leaves comments out', () => {
    const script = parseScript(
      'a script',
      '--ip_version=ipv6\n--strict_segments\n`sysctl -q a=1`\n// a comment\n0 read(3, ..., 1) = 0 /* more */\n`undo`',
    );
    assert.deepEqual(
      [...script.options],
      [
        ['ip_version', 'ipv6'],
        ['strict_segments', ''],
      ],
    );
    assert.deepEqual(script.setUp, [{ line: 3, text: 'sysctl -q a=1' }]);
    assert.deepEqual(
      script.lines.map(({ number }) => number),
      [5],
    );
  });

  for (const [text, when] of [
    ['0.5', { kind: 'absolute', atMs: 500 }],
    ['+.25', { kind: 'relative', atMs: 250 }],
    ['1~2', { kind: 'absoluteRange', atMs: 1000, endMs: 2000 }],
    ['+.5~+1', { kind: 'relativeRange', atMs: 500, endMs: 1000 }],
    ['*', { kind: 'any' }],
  ] as const) {
    it(`reads the time ${text}`, () => {
      assert.deepEqual(parseScript('a script', `${text} > . 1:1(0) ack 1`).lines[0]?.when, when);
    });
  }

  it('reads a packet with all that a packet can have', () => {
    assert.deepEqual(
      action('+0 < [ect0] SEW 1:3(2) ack 4 win 5 urg 6 <mss 7,nop,wscale 8,sackOK,TS val 9 ecr 10,eol>'),
      {
        kind: 'packet',
        direction: 'in',
        ecn: 'ect0',
        flags: 'SEW',
        seq: 1,
        length: 2,
        ack: 4,
        window: 5,
        urgent: 6,
        options: [
          { kind: 'mss', value: 7 },
          { kind: 'nop' },
          { kind: 'wscale', value: 8 },
          { kind: 'sackOK' },
          { kind: 'TS', value: 9, echo: 10 },
          { kind: 'eol' },
        ],
      },
    );
  });

  it('reads blocks of SACK, and any options', () => {
    const packet = action('+0 > . 1:1(0) ack 1 <nop,nop,sack 1:2 3:4>');
    assert.deepEqual(packet?.kind === 'packet' ? packet.options?.[2] : undefined, {
      kind: 'sack',
      blocks: [
        [1, 2],
        [3, 4],
      ],
    });
    const any = action('+0 > . 1:1(0) ack 1 <...>');
    assert.equal(any?.kind === 'packet' ? any.options : 'none', undefined);
  });

  it('reads a packet without flags', () => {
    const packet = action('+0 < - 1:11(10) win 100');
    assert.equal(packet?.kind === 'packet' ? packet.flags : 'none', '');
  });

  it('reads a call that blocks and fails', () => {
    const call = action('+.1...0.2 connect(3, ..., ...) = -1 ETIMEDOUT (Connection timed out)');
    assert.ok(call?.kind === 'call');
    assert.deepEqual([call.name, call.endMs, call.error], ['connect', 200, 'ETIMEDOUT']);
  });

  it('reads messages and structures', () => {
    const call = action('+0 sendmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 40}], msg_flags=0}, A|B) = 40');
    assert.ok(call?.kind === 'call' && call.args[1]?.kind === 'struct');
    assert.deepEqual([...call.args[1].fields.keys()], ['msg_name', 'msg_iov', 'msg_flags']);
    assert.deepEqual(call.args[2], { kind: 'names', names: ['A', 'B'] });
  });

  for (const [title, text, line] of [
    ['an unknown option', '0 > . 1:1(0) ack 1 <rocket 7>', 1],
    ['an unknown packet', '\n\n0 < icmp unreachable', 3],
    ['a packet whose length is not that of its numbers', '0 > . 1:5(3) ack 1', 1],
    ['a packet to the stack with any options', '0 < . 1:1(0) ack 1 <...>', 1],
    ['an end in the middle of a line', '0 read(3,', 1],
  ] as const) {
    it(`names the line of ${title}`, () => {
      assert.throws(
        () => parseScript('a script', text),
        (error) => error instanceof UnknownLine && error.line === line,
      );
    });
  }
});
