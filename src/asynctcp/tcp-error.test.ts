import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode } from '../port/error-code.js';
import { errorText, TcpError, tcpError } from './tcp-error.js';

describe("an error code's text", () => {
  it('is one short English line, of its own for each code', () => {
    const texts = Object.values(ErrorCode).map(errorText);
    for (const text of texts) assert.match(text, /^[a-zA-Z ,]{5,50}$/);
    assert.equal(new Set(texts).size, texts.length);
  });

  it('of a number that is no code names the number', () => {
    for (const code of [1, -17, -54, -56, 0.5, Number.NaN]) {
      assert.equal(errorText(code), `unknown error ${String(code)}`);
    }
  });
});

describe('a TcpError', () => {
  it('tells what was tried, what went wrong and why', () => {
    const cause = new Error('connect ECONNREFUSED 192.0.2.1:80');
    const error = new TcpError(ErrorCode.ERR_RST, 'connect to 192.0.2.1 port 80', cause);
    assert.equal(
      error.message,
      'connect to 192.0.2.1 port 80: connection reset or refused by the peer (connect ECONNREFUSED 192.0.2.1:80)',
    );
    assert.equal(error.code, ErrorCode.ERR_RST);
    assert.equal(error.cause, cause);
    assert.equal(error.name, 'TcpError');
    assert.ok(error instanceof Error);
    assert.match(error.stack ?? '', /^TcpError: connect to|^Error: connect to/);
  });

  it('has no cause where there is none', () => {
    const error = new TcpError(ErrorCode.ERR_TIMEOUT, 'connect to a port 1');
    assert.equal(error.message, 'connect to a port 1: timed out');
    assert.equal('cause' in error, false);
  });

  it("carries a fault's code and cause over", () => {
    const cause = new Error('why');
    const error = tcpError('listen', { code: ErrorCode.ERR_USE, cause });
    assert.deepEqual([error.code, error.cause, error.message], [-8, cause, 'listen: address in use (why)']);
    assert.equal('cause' in tcpError('listen', { code: ErrorCode.ERR_USE, cause: undefined }), false);
  });
});
