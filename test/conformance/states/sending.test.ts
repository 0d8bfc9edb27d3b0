/** What a connection sends, and when (RFC 9293 §3.8, RFC 6298, RFC 5681, RFC 6675, RFC 8985). */
import { describe } from 'node:test';
import { plays } from './plays.js';
import { ESTABLISHED, ESTABLISHED_SACK } from './ways.js';

/** ESTABLISHED with a round trip of 100 ms. */
const SLOW = ESTABLISHED_SACK.replace('+.01 < . 1:1(0)', '+.1 < . 1:1(0)');

describe('sending', () => {
  plays(
    'data is pushed with its last segment',
    ESTABLISHED,
    `
+0 write(4, ..., 2500) = 2500
+0 > . 1:1001(1000) ack 1
+0 > . 1001:2001(1000) ack 1
+.01 < . 1:1(0) ack 2001 win 32792
+0 > P. 2001:2501(500) ack 1`,
  );
  plays(
    'the first window has ten segments (RFC 6928)',
    ESTABLISHED,
    `
+0 write(4, ..., 20000) = 20000
+0 > . 1:10001(10000) ack 1
+.01 < . 1:1(0) ack 2001 win 32792
+0 > . 10001:14001(4000) ack 1`,
  );
  plays(
    'no more goes than the window of the peer takes',
    ESTABLISHED,
    `
+.01 < . 1:1(0) ack 1 win 2500
+0 write(4, ..., 5000) = 5000
+0 > . 1:1001(1000) ack 1
+0 > . 1001:2001(1000) ack 1
+.01 < . 1:1(0) ack 2001 win 2500
+0 > . 2001:3001(1000) ack 1
+0 > . 3001:4001(1000) ack 1
+.01 < . 1:1(0) ack 4001 win 2500
+0 > P. 4001:5001(1000) ack 1`,
  );
  plays(
    'a window that has shrunk takes nothing back',
    ESTABLISHED,
    `
+.01 < . 1:1(0) ack 1 win 3000
+0 write(4, ..., 5000) = 5000
+0 > . 1:3001(3000) ack 1
+.01 < . 1:1(0) ack 1001 win 1000
+.01 < . 1:1(0) ack 3001 win 4000
+0 > P. 3001:5001(2000) ack 1`,
  );
  plays(
    'an update of the window sends what has waited',
    ESTABLISHED,
    `
+.01 < . 1:1(0) ack 1 win 0
+0 write(4, ..., 1000) = 1000
+.05 < . 1:1(0) ack 1 win 2000
+0 > P. 1:1001(1000) ack 1`,
  );
});

describe("Nagle's algorithm (RFC 9293 §3.7.4)", () => {
  plays(
    'a small segment waits while another is on its way',
    ESTABLISHED,
    `
+0 write(4, ..., 10) = 10
+0 > P. 1:11(10) ack 1
+0 write(4, ..., 10) = 10
+0 write(4, ..., 10) = 10
+.05 < . 1:1(0) ack 11 win 32792
+0 > P. 11:31(20) ack 1`,
  );
  plays(
    'a full segment does not wait',
    ESTABLISHED,
    `
+0 write(4, ..., 10) = 10
+0 > P. 1:11(10) ack 1
+0 write(4, ..., 1010) = 1010
+0 > . 11:1011(1000) ack 1
+.05 < . 1:1(0) ack 1011 win 32792
+0 > P. 1011:1021(10) ack 1`,
  );
  plays(
    'without it, small segments go at once',
    ESTABLISHED,
    `
+0 setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 4) = 0
+0 write(4, ..., 10) = 10
+0 > P. 1:11(10) ack 1
+0 write(4, ..., 10) = 10
+0 > P. 11:21(10) ack 1`,
  );
  plays(
    'the FIN does not wait',
    ESTABLISHED,
    `
+0 write(4, ..., 10) = 10
+0 > P. 1:11(10) ack 1
+0 write(4, ..., 10) = 10
+0 close(4) = 0
+0 > FP. 11:21(10) ack 1`,
  );
  plays(
    'a cork holds small segments for 200 ms at most',
    ESTABLISHED,
    `
+0 setsockopt(4, SOL_TCP, TCP_CORK, [1], 4) = 0
+0 write(4, ..., 10) = 10
+.2~+.22 > P. 1:11(10) ack 1`,
  );
});

describe('retransmission', () => {
  plays(
    'the timer doubles with each time',
    SLOW,
    `
+0 write(4, ..., 1000) = 1000
+0 > P. 1:1001(1000) ack 1
+.3~+.42 > P. 1:1001(1000) ack 1
+.29~+.31 > P. 1:1001(1000) ack 1
+.6 > P. 1:1001(1000) ack 1
+1.2 > P. 1:1001(1000) ack 1
+2.4 > P. 1:1001(1000) ack 1
+.1 < . 1:1(0) ack 1001 win 257`,
  );
  plays(
    'three duplicate ACKs send the first segment again, at once',
    ESTABLISHED,
    `
+0 write(4, ..., 5000) = 5000
+0 > P. 1:5001(5000) ack 1
+.01 < . 1:1(0) ack 1 win 32792
+0 < . 1:1(0) ack 1 win 32792
+0 < . 1:1(0) ack 1 win 32792
+0 > . 1:1001(1000) ack 1
+.01 < . 1:1(0) ack 5001 win 32792`,
  );
  plays(
    'two duplicate ACKs do not',
    ESTABLISHED,
    `
+0 write(4, ..., 5000) = 5000
+0 > P. 1:5001(5000) ack 1
+.01 < . 1:1(0) ack 1 win 32792
+0 < . 1:1(0) ack 1 win 32792
+.001 < . 1:1(0) ack 5001 win 32792`,
  );
  plays(
    'ACKs with data are no duplicates',
    ESTABLISHED,
    `
+0 write(4, ..., 5000) = 5000
+0 > P. 1:5001(5000) ack 1
+.01 < . 1:101(100) ack 1 win 32792
+0 > . 5001:5001(0) ack 101
+0 < . 101:201(100) ack 1 win 32792
+0 > . 5001:5001(0) ack 201
+0 < . 201:301(100) ack 1 win 32792
+0 > . 5001:5001(0) ack 301
+.001 < . 301:301(0) ack 5001 win 32792`,
  );
  plays(
    'updates of the window are no duplicates',
    ESTABLISHED,
    `
+0 write(4, ..., 5000) = 5000
+0 > P. 1:5001(5000) ack 1
+.01 < . 1:1(0) ack 1 win 32793
+0 < . 1:1(0) ack 1 win 32794
+0 < . 1:1(0) ack 1 win 32795
+.001 < . 1:1(0) ack 5001 win 32792`,
  );
  plays(
    'duplicates without data on the way send nothing',
    ESTABLISHED,
    `
+.01 < . 1:1(0) ack 1 win 32792
+0 < . 1:1(0) ack 1 win 32792
+0 < . 1:1(0) ack 1 win 32792
+0 < . 1:1(0) ack 1 win 32792`,
  );
  plays(
    'what is SACKed is not sent again',
    ESTABLISHED_SACK,
    `
+0 write(4, ..., 6000) = 6000
+0 > P. 1:6001(6000) ack 1
+.01 < . 1:1(0) ack 1 win 257 <sack 1001:2001,nop,nop>
+0 < . 1:1(0) ack 1 win 257 <sack 1001:2001 3001:4001,nop,nop>
+0 < . 1:1(0) ack 1 win 257 <sack 1001:2001 3001:5001,nop,nop>
+0 > . 1:1001(1000) ack 1
+.01 < . 1:1(0) ack 2001 win 257 <sack 3001:5001,nop,nop>
+0 > . 2001:3001(1000) ack 1
+.01 < . 1:1(0) ack 6001 win 257`,
  );
  plays(
    'a partial ACK in recovery sends the next hole (RFC 6582)',
    ESTABLISHED,
    `
+0 write(4, ..., 6000) = 6000
+0 > P. 1:6001(6000) ack 1
+.01 < . 1:1(0) ack 1 win 32792
+0 < . 1:1(0) ack 1 win 32792
+0 < . 1:1(0) ack 1 win 32792
+0 > . 1:1001(1000) ack 1
+.01 < . 1:1(0) ack 2001 win 32792
+0 > . 2001:3001(1000) ack 1
+.01 < . 1:1(0) ack 6001 win 32792`,
  );
  plays(
    'after the user timeout the connection has failed',
    ESTABLISHED,
    `
+0 setsockopt(4, SOL_TCP, TCP_USER_TIMEOUT, [3000], 4) = 0
+0 write(4, ..., 1000) = 1000
+0 > P. 1:1001(1000) ack 1
+.2~+.25 > P. 1:1001(1000) ack 1
+.4~+.45 > P. 1:1001(1000) ack 1
+.8~+.9 > P. 1:1001(1000) ack 1
+3 write(4, ..., 10) = -1 ETIMEDOUT (Connection timed out)`,
  );
});

describe('a closed window', () => {
  /** The peer's window is closed, and data waits. */
  const CLOSED_WINDOW = `${ESTABLISHED}
+.01 < . 1:1(0) ack 1 win 0
+0 write(4, ..., 1000) = 1000`;

  plays(
    'is probed, more and more seldom',
    CLOSED_WINDOW,
    `
+.2~+.22 > . 0:0(0) ack 1
+.01 < . 1:1(0) ack 1 win 0
+.38~+.42 > . 0:0(0) ack 1
+.01 < . 1:1(0) ack 1 win 0
+.78~+.82 > . 0:0(0) ack 1
+.01 < . 1:1(0) ack 1 win 0
+1.58~+1.62 > . 0:0(0) ack 1
+.01 < . 1:1(0) ack 1 win 2000
+0 > P. 1:1001(1000) ack 1`,
  );
  plays(
    'is probed as long as the peer answers',
    CLOSED_WINDOW,
    `
+.2~+.22 > . 0:0(0) ack 1
+0 < . 1:1(0) ack 1 win 0
+.38~+.42 > . 0:0(0) ack 1
+0 < . 1:1(0) ack 1 win 0
+.78~+.82 > . 0:0(0) ack 1
+0 < . 1:1(0) ack 1 win 0
+1.58~+1.62 > . 0:0(0) ack 1
+0 < . 1:1(0) ack 1 win 0
+3.1~+3.3 > . 0:0(0) ack 1
+0 < . 1:1(0) ack 1 win 0
+6.2~+6.6 > . 0:0(0) ack 1
+0 < . 1:1(0) ack 1 win 2000
+0 > P. 1:1001(1000) ack 1`,
  );
  plays(
    'takes a FIN only when it opens',
    CLOSED_WINDOW,
    `
+0 shutdown(4, SHUT_WR) = 0
+.05 < . 1:1(0) ack 1 win 2000
+0 > FP. 1:1001(1000) ack 1`,
  );
});

describe('keep-alive', () => {
  const KEPT = `${ESTABLISHED}
+0 setsockopt(4, SOL_SOCKET, SO_KEEPALIVE, [1], 4) = 0
+0 setsockopt(4, SOL_TCP, TCP_KEEPIDLE, [10], 4) = 0
+0 setsockopt(4, SOL_TCP, TCP_KEEPINTVL, [2], 4) = 0
+0 setsockopt(4, SOL_TCP, TCP_KEEPCNT, [3], 4) = 0`;

  plays(
    'an idle peer is asked',
    KEPT,
    `
+10 > . 0:0(0) ack 1
+.01 < . 1:1(0) ack 1 win 32792
+10 > . 0:0(0) ack 1
+.01 < . 1:1(0) ack 1 win 32792`,
  );
  plays(
    'a peer that does not answer has failed',
    KEPT,
    `
+10 > . 0:0(0) ack 1
+2 > . 0:0(0) ack 1
+2 > . 0:0(0) ack 1
+2 > R. 1:1(0) ack 1
+.1 read(4, ..., 100) = -1 ETIMEDOUT (Connection timed out)`,
  );
  plays(
    'data of the peer puts the question off',
    KEPT,
    `
+8 < P. 1:101(100) ack 1 win 32792
+0 > . 1:1(0) ack 101
+10 > . 0:0(0) ack 101`,
  );
});
