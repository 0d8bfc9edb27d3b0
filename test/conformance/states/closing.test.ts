/**
 * What happens from the first FIN on: FIN-WAIT-1 to TIME-WAIT (RFC 9293 §3.6, §3.10.7.4; RFC 1337; RFC 6191).
 */
import { describe } from 'node:test';
import { plays } from './plays.js';
import { CLOSE_WAIT, CLOSING, ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2, LAST_ACK, TIME_WAIT } from './ways.js';

describe('ESTABLISHED: the ends', () => {
  plays(
    'a FIN of the peer is acknowledged and ends the data',
    ESTABLISHED,
    `
+.01 < F. 1:1(0) ack 1 win 32792
+0 > . 1:1(0) ack 2
+0 %{ assert tcpi_state == TCP_CLOSE_WAIT }%
+0 read(4, ..., 1000) = 0`,
  );
  plays(
    'a FIN with data ends behind the data',
    ESTABLISHED,
    `
+.01 < FP. 1:101(100) ack 1 win 32792
+0 > . 1:1(0) ack 102
+0 read(4, ..., 1000) = 100
+0 read(4, ..., 1000) = 0`,
  );
  plays(
    'a close sends FIN',
    ESTABLISHED,
    `
+.01 close(4) = 0
+0 > F. 1:1(0) ack 1`,
  );
  plays(
    'a close sends FIN with the last data',
    ESTABLISHED,
    `
+.01 setsockopt(4, SOL_TCP, TCP_CORK, [1], 4) = 0
+0 write(4, ..., 100) = 100
+0 close(4) = 0
+0 > FP. 1:101(100) ack 1`,
  );
  plays(
    'a close with unread data sends a reset',
    ESTABLISHED,
    `
+.01 < P. 1:101(100) ack 1 win 32792
+0 > . 1:1(0) ack 101
+0 close(4) = 0
+0 > R. 1:1(0) ack 101`,
  );
  plays(
    'a close is no reset if only what was read comes once more, with a FIN',
    ESTABLISHED,
    `
+.01 < . 1:1001(1000) ack 1 win 32792
+0 > . 1:1(0) ack 1001
+0 read(4, ..., 1000) = 1000
+0 < F. 1:1001(1000) ack 1 win 32792
+0 > . 1:1(0) ack 1002
+0 close(4) = 0
+0 > F. 1:1(0) ack 1002`,
  );
  plays(
    'a close that does not linger sends a reset',
    ESTABLISHED,
    `
+.01 setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0
+0 close(4) = 0
+0 > R. 1:1(0) ack 1`,
  );
  plays(
    'a FIN right of the window is not taken',
    ESTABLISHED,
    `
+.01 < F. 600000:600000(0) ack 1 win 32792
+0 > . 1:1(0) ack 1
+0 %{ assert tcpi_state == TCP_ESTABLISHED }%`,
  );
});

describe('CLOSE-WAIT', () => {
  plays(
    'the program can still send',
    CLOSE_WAIT,
    `
+.01 write(4, ..., 100) = 100
+0 > P. 1:101(100) ack 2
+.01 < . 2:2(0) ack 101 win 32792
+0 close(4) = 0
+0 > F. 101:101(0) ack 2`,
  );
  plays(
    'data is retransmitted',
    CLOSE_WAIT,
    `
+.01 write(4, ..., 3000) = 3000
+0 > . 1:1001(1000) ack 2
+0 > . 1001:2001(1000) ack 2
+0 > P. 2001:3001(1000) ack 2
+.01 < . 2:2(0) ack 1001 win 32792
+0 < . 2:2(0) ack 1001 win 32792
+0 < . 2:2(0) ack 1001 win 32792
+0 < . 2:2(0) ack 1001 win 32792
+0 > . 1001:2001(1000) ack 2`,
  );
  plays(
    'the FIN once more is acknowledged once more',
    CLOSE_WAIT,
    `
+.01 < F. 1:1(0) ack 1 win 32792
+0 > . 1:1(0) ack 2`,
  );
  plays(
    'a reset ends it',
    CLOSE_WAIT,
    `
+.01 < R. 2:2(0) ack 1 win 0
+0 write(4, ..., 100) = -1 ECONNRESET (Connection reset by peer)`,
  );
});

describe('FIN-WAIT-1', () => {
  plays(
    'the ACK of the FIN leads to FIN-WAIT-2',
    FIN_WAIT_1,
    `
+.01 < . 1:1(0) ack 2 win 32792
+0 %{ assert tcpi_state == TCP_FIN_WAIT2 }%`,
  );
  plays(
    'FIN with the ACK of the FIN leads to TIME-WAIT',
    FIN_WAIT_1,
    `
+.01 < F. 1:1(0) ack 2 win 32792
+0 > . 2:2(0) ack 2
+.01 < F. 1:1(0) ack 2 win 32792
+0 > . 2:2(0) ack 2`,
  );
  plays(
    'FIN without it leads to CLOSING',
    FIN_WAIT_1,
    `
+.01 < F. 1:1(0) ack 1 win 32792
+0 > . 2:2(0) ack 2
+0 %{ assert tcpi_state == TCP_CLOSING }%`,
  );
  plays(
    'data is received',
    FIN_WAIT_1,
    `
+.01 < P. 1:101(100) ack 1 win 32792
+0 > . 2:2(0) ack 101
+0 read(4, ..., 1000) = 100`,
  );
  plays(
    'the FIN is sent again',
    FIN_WAIT_1,
    `
+.1~+.3 > F. 1:1(0) ack 1
+.1~+.7 > F. 1:1(0) ack 1`,
  );
  plays(
    'data in front of the FIN is sent again alone',
    ESTABLISHED,
    `
+.01 write(4, ..., 100) = 100
+0 > P. 1:101(100) ack 1
+0 shutdown(4, SHUT_WR) = 0
+0 > F. 101:101(0) ack 1
+.01 < . 1:1(0) ack 101 win 32792
+.1~+.4 > F. 101:101(0) ack 1`,
  );
  plays(
    'data and FIN that wait for the window go when it opens',
    ESTABLISHED,
    `
+.01 < . 1:1(0) ack 1 win 1000
+0 write(4, ..., 1500) = 1500
+0 > . 1:1001(1000) ack 1
+0 shutdown(4, SHUT_WR) = 0
+.01 < . 1:1(0) ack 1001 win 1000
+0 > FP. 1001:1501(500) ack 1`,
  );
  plays(
    'a write is a broken pipe',
    FIN_WAIT_1,
    `
+.01 write(4, ..., 100) = -1 EPIPE (Broken pipe)`,
  );
  plays(
    'data for a program that has closed is answered with a reset',
    ESTABLISHED,
    `
+.01 close(4) = 0
+0 > F. 1:1(0) ack 1
+.01 < P. 1:101(100) ack 1 win 32792
+0 > R 1:1(0)`,
  );
  plays(
    'a reset of the exact number ends it',
    FIN_WAIT_1,
    `
+.01 < R. 1:1(0) ack 1 win 0
+0 read(4, ..., 1000) = -1 ECONNRESET (Connection reset by peer)`,
  );
});

describe('FIN-WAIT-2', () => {
  plays(
    'data is received and acknowledged',
    FIN_WAIT_2,
    `
+.01 < P. 1:101(100) ack 2 win 32792
+0 > . 2:2(0) ack 101
+0 read(4, ..., 1000) = 100`,
  );
  plays(
    'the FIN of the peer is acknowledged',
    FIN_WAIT_2,
    `
+.01 < F. 1:1(0) ack 2 win 32792
+0 > . 2:2(0) ack 2
+0 read(4, ..., 1000) = 0`,
  );
  plays(
    'FIN behind a hole waits',
    FIN_WAIT_2,
    `
+.01 < F. 101:201(100) ack 2 win 32792
+0 > . 2:2(0) ack 1
+0 %{ assert tcpi_state == TCP_FIN_WAIT2 }%
+.01 < . 1:101(100) ack 2 win 32792
+0 > . 2:2(0) ack 202
+0 read(4, ..., 1000) = 200
+0 read(4, ..., 1000) = 0`,
  );
  plays(
    'a program that still reads may wait for a day',
    FIN_WAIT_2,
    `
+86400 < P. 1:101(100) ack 2 win 32792
+0 > . 2:2(0) ack 101
+0 read(4, ..., 1000) = 100`,
  );
  plays(
    'after a close it ends within 60 seconds',
    ESTABLISHED,
    `
+.01 close(4) = 0
+0 > F. 1:1(0) ack 1
+.01 < . 1:1(0) ack 2 win 32792
+61 < F. 1:1(0) ack 2 win 32792
+0 > R 2:2(0) win 0`,
  );
  plays(
    'a FIN that an older ACK overtook is acknowledged',
    FIN_WAIT_2,
    `
+.01 < F. 1:1(0) ack 1 win 32792
+0 > . 2:2(0) ack 2`,
  );
  plays(
    'a SYN is answered with a challenge',
    FIN_WAIT_2,
    `
+.01 < S 100:100(0) win 32792 <mss 1000>
+0 > . 2:2(0) ack 1`,
  );
});

describe('CLOSING', () => {
  plays(
    'the ACK of the FIN leads to TIME-WAIT',
    CLOSING,
    `
+.01 < . 2:2(0) ack 2 win 32792
+.01 < F. 1:1(0) ack 2 win 32792
+0 > . 2:2(0) ack 2`,
  );
  plays(
    'the FIN is sent again',
    CLOSING,
    `
+.1~+.3 > F. 1:1(0) ack 2`,
  );
  plays(
    "the peer's FIN once more is acknowledged",
    CLOSING,
    `
+.01 < F. 1:1(0) ack 1 win 32792
+0 > . 2:2(0) ack 2`,
  );
});

describe('LAST-ACK', () => {
  plays(
    'the ACK of the FIN ends it',
    LAST_ACK,
    `
+.01 < . 2:2(0) ack 2 win 32792
+.01 < . 2:2(0) ack 2 win 32792
+0 > R 2:2(0) win 0`,
  );
  plays(
    'an ACK that does not count the FIN ends nothing',
    LAST_ACK,
    `
+.01 < . 2:2(0) ack 1 win 32792
+.1~+.3 > F. 1:1(0) ack 2
+.01 < . 2:2(0) ack 2 win 32792`,
  );
  plays(
    'the FIN is sent again',
    LAST_ACK,
    `
+.1~+.3 > F. 1:1(0) ack 2`,
  );
  plays(
    'data and FIN go together when the window opens',
    CLOSE_WAIT,
    `
+.01 < . 2:2(0) ack 1 win 0
+0 write(4, ..., 100) = 100
+0 close(4) = 0
+.01 < . 2:2(0) ack 1 win 32792
+0 > FP. 1:101(100) ack 2
+.01 < . 2:2(0) ack 102 win 32792`,
  );
  plays(
    'a reset ends it',
    LAST_ACK,
    `
+.01 < R. 2:2(0) ack 1 win 0
+.01 < . 2:2(0) ack 2 win 32792
+0 > R 2:2(0) win 0`,
  );
});

describe('TIME-WAIT', () => {
  plays(
    'the FIN once more is acknowledged, and the wait begins again',
    TIME_WAIT,
    `
+50 < F. 1:1(0) ack 2 win 32792
+0 > . 2:2(0) ack 2
+50 < F. 1:1(0) ack 2 win 32792
+0 > . 2:2(0) ack 2`,
  );
  plays(
    'it ends after 60 seconds',
    TIME_WAIT,
    `
+61 < F. 1:1(0) ack 2 win 32792
+0 > R 2:2(0) win 0`,
  );
  plays(
    'a reset does not end it (RFC 1337)',
    TIME_WAIT,
    `
+1 < R. 2:2(0) ack 2 win 0
+1 < F. 1:1(0) ack 2 win 32792
+0 > . 2:2(0) ack 2`,
  );
  plays(
    'an old segment is answered with an ACK',
    TIME_WAIT,
    `
+1 < . 2:2(0) ack 2 win 32792
+1 < . -100:0(100) ack 2 win 32792
+0 > . 2:2(0) ack 2`,
  );
  plays(
    'a SYN of a later number opens a new connection',
    TIME_WAIT,
    `
+1 < S 1000:1000(0) win 32792 <mss 1000>
+0 > S. 0:0(0) ack 1001 <mss 1460>`,
  );
  plays(
    'a SYN of an old number is answered with an ACK',
    TIME_WAIT,
    `
+1 < S -1000:-1000(0) win 32792 <mss 1000>
+0 > . 2:2(0) ack 2`,
  );
});
