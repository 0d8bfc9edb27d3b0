/** What happens to segments in CLOSED, LISTEN, SYN-SENT and SYN-RECEIVED (RFC 9293 §3.10.7.1–4). */
import { describe } from 'node:test';
import { plays } from './plays.js';
import { CONNECTED, LISTEN, SYN_RECEIVED, SYN_SENT } from './ways.js';

/** A port without a socket. */
const CLOSED = '';

describe('CLOSED', () => {
  plays(
    'a SYN is answered with a reset that acknowledges it',
    CLOSED,
    `
0 < S 0:0(0) win 32792 <mss 1000>
+0 > R. 0:0(0) ack 1 win 0`,
  );
  plays(
    'an ACK is answered with a reset that has its acknowledgement as its number',
    CLOSED,
    `
0 < . 1:1(0) ack 700 win 32792
+0 > R 700:700(0) win 0`,
  );
  plays(
    'data without an ACK is answered with a reset that acknowledges the data',
    CLOSED,
    `
0 < P 1:101(100) win 32792
+0 > R. 0:0(0) ack 101 win 0
+.01 < . 1:1(0) ack 7 win 100
+0 > R 7:7(0) win 0`,
  );
  plays(
    'a FIN counts in the acknowledgement of the reset',
    CLOSED,
    `
0 < SF 0:0(0) win 32792
+0 > R. 0:0(0) ack 2 win 0
+.01 < F. 1:1(0) ack 9 win 100
+0 > R 9:9(0) win 0`,
  );
  plays(
    'a reset is never answered',
    CLOSED,
    `
0 < R 1:1(0) win 0
+.01 < R. 1:1(0) ack 1 win 0
+1 < R 7:7(0) win 0`,
  );
});

describe('LISTEN', () => {
  plays(
    'a SYN is answered with SYN-ACK',
    LISTEN,
    `
+.01 < S 0:0(0) win 32792 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>`,
  );
  plays(
    'a SYN without options is answered without any but the MSS',
    LISTEN,
    `
+.01 < S 0:0(0) win 32792
+0 > S. 0:0(0) ack 1 <mss 1460>`,
  );
  plays(
    'all options that are offered are taken, in the order of Linux',
    LISTEN,
    `
+.01 < S 0:0(0) win 32792 <mss 1000,sackOK,TS val 7 ecr 0,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <mss 1460,sackOK,TS val 100 ecr 7,nop,wscale 8>`,
  );
  plays(
    'a window scale alone is answered with one',
    LISTEN,
    `
+.01 < S 0:0(0) win 32792 <mss 1000,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,wscale 8>`,
  );
  plays(
    'timestamps alone are answered with timestamps',
    LISTEN,
    `
+.01 < S 0:0(0) win 32792 <mss 1000,nop,nop,TS val 7 ecr 0>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,TS val 100 ecr 7>`,
  );
  plays(
    'the window of a SYN-ACK is not scaled',
    LISTEN,
    `
+.01 < S 0:0(0) win 32792 <mss 1000,nop,wscale 7>
+0 > S. 0:0(0) ack 1 win 65535 <mss 1460,nop,wscale 8>`,
  );
  plays(
    'an ACK is answered with a reset',
    LISTEN,
    `
+.01 < . 1:1(0) ack 77 win 32792
+0 > R 77:77(0) win 0`,
  );
  plays(
    'a SYN with an ACK is answered with a reset',
    LISTEN,
    `
+.01 < S. 0:0(0) ack 77 win 32792 <mss 1000>
+0 > R 77:77(0) win 0`,
  );
  plays(
    'a reset is dropped, and the listener goes on',
    LISTEN,
    `
+.01 < R 0:0(0) win 0
+.01 < S 0:0(0) win 32792 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>`,
  );
  plays(
    'a segment with neither SYN, ACK nor RST is dropped',
    LISTEN,
    `
+.01 < F 0:0(0) win 32792
+.01 < S 0:0(0) win 32792 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>`,
  );
  plays(
    'a SYN with FIN is dropped',
    LISTEN,
    `
+.01 < SF 0:0(0) win 32792 <mss 1000>
+1 < S 0:0(0) win 32792 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>`,
  );
  plays(
    'an MSS of zero counts as none: 536 bytes',
    LISTEN,
    `
+.01 < S 0:0(0) win 32792 <mss 0>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.01 < . 1:1(0) ack 1 win 32792
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 1072) = 1072
+0 > . 1:537(536) ack 1
+0 > P. 537:1073(536) ack 1`,
  );
  plays(
    'without the MSS option, segments have 536 bytes',
    LISTEN,
    `
+.01 < S 0:0(0) win 32792
+0 > S. 0:0(0) ack 1 <mss 1460>
+.01 < . 1:1(0) ack 1 win 32792
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 1072) = 1072
+0 > . 1:537(536) ack 1
+0 > P. 537:1073(536) ack 1`,
  );
});

describe('SYN-SENT', () => {
  plays(
    'a SYN-ACK opens the connection',
    SYN_SENT,
    `
+.01 < S. 0:0(0) ack 1 win 32792 <mss 1000>
+0 > . 1:1(0) ack 1
+0 connect(4, ..., ...) = 0`,
  );
  plays(
    'options of the SYN-ACK are those of the connection',
    SYN_SENT,
    `
+.01 < S. 0:0(0) ack 1 win 32792 <mss 1000,sackOK,TS val 700 ecr 100,nop,wscale 7>
+0 > . 1:1(0) ack 1 <nop,nop,TS val 110 ecr 700>
+0 write(4, ..., 10) = 10
+0 > P. 1:11(10) ack 1 <nop,nop,TS val 110 ecr 700>`,
  );
  plays(
    'the SYN is sent again after 1, 2 and 4 seconds',
    SYN_SENT,
    `
+1 > S 0:0(0) <mss 1460,sackOK,TS val 1100 ecr 0,nop,wscale 8>
+2 > S 0:0(0) <mss 1460,sackOK,TS val 3100 ecr 0,nop,wscale 8>
+4 > S 0:0(0) <mss 1460,sackOK,TS val 7100 ecr 0,nop,wscale 8>`,
  );
  plays(
    'after five retransmissions the connection fails as timed out',
    SYN_SENT,
    `
+1 > S 0:0(0) <...>
+2 > S 0:0(0) <...>
+4 > S 0:0(0) <...>
+8 > S 0:0(0) <...>
+16 > S 0:0(0) <...>
+32.1 getsockopt(4, SOL_SOCKET, SO_ERROR, [ETIMEDOUT], [4]) = 0`,
  );
  plays(
    'a reset with the right acknowledgement refuses the connection',
    SYN_SENT,
    `
+.01 < R. 0:0(0) ack 1 win 0
+0 connect(4, ..., ...) = -1 ECONNREFUSED (Connection refused)`,
  );
  plays(
    'a reset without an acknowledgement is dropped',
    SYN_SENT,
    `
+.01 < R 0:0(0) win 0
+.01 < S. 0:0(0) ack 1 win 32792 <mss 1000>
+0 > . 1:1(0) ack 1`,
  );
  plays(
    'a reset with a wrong acknowledgement is dropped',
    SYN_SENT,
    `
+.01 < R. 0:0(0) ack 7 win 0
+.01 < S. 0:0(0) ack 1 win 32792 <mss 1000>
+0 > . 1:1(0) ack 1`,
  );
  plays(
    'an ACK of the SYN without SYN opens nothing',
    SYN_SENT,
    `
+.01 < . 0:0(0) ack 1 win 32792
+.01 < S. 0:0(0) ack 1 win 32792 <mss 1000>
+0 > . 1:1(0) ack 1`,
  );
  plays(
    'a wrong ACK is answered with a reset that has its number',
    SYN_SENT,
    `
+.01 < . 1:1(0) ack 77 win 32792
+0 > R 77:77(0) win 0
+.01 < S. 0:0(0) ack 1 win 32792 <mss 1000>
+0 > . 1:1(0) ack 1`,
  );
  plays(
    'a SYN-ACK of the wrong number is answered with a reset',
    SYN_SENT,
    `
+.01 < S. 0:0(0) ack 77 win 32792 <mss 1000>
+0 > R 77:77(0) win 0`,
  );
  plays(
    'a SYN-ACK that does not count the SYN is answered with a reset',
    SYN_SENT,
    `
+.01 < S. 0:0(0) ack 0 win 32792 <mss 1000>
+0 > R 0:0(0) win 0`,
  );
  plays(
    'FIN without SYN is dropped',
    SYN_SENT,
    `
+.01 < F 1:1(0) win 32792
+.01 < S. 0:0(0) ack 1 win 32792 <mss 1000>
+0 > . 1:1(0) ack 1`,
  );
  plays(
    'a SYN of the peer is a simultaneous open',
    SYN_SENT,
    `
+.01 < S 0:0(0) win 32792 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.01 < . 1:1(0) ack 1 win 32792
+0 connect(4, ..., ...) = 0
+0 write(4, ..., 100) = 100
+0 > P. 1:101(100) ack 1`,
  );
  plays(
    'a close is silent, and what comes later is answered with a reset',
    SYN_SENT,
    `
+.01 close(4) = 0
+.01 < S. 0:0(0) ack 1 win 32792 <mss 1000>
+0 > R 1:1(0) win 0`,
  );
});

describe('a client', () => {
  plays(
    'sends segments of the MSS that the peer tells',
    CONNECTED,
    `
+0 write(4, ..., 2000) = 2000
+0 > . 1:1001(1000) ack 1
+0 > P. 1001:2001(1000) ack 1`,
  );
  plays(
    'counts the MSS of zero in a SYN-ACK as none',
    SYN_SENT,
    `
+.01 < S. 0:0(0) ack 1 win 32792 <mss 0>
+0 > . 1:1(0) ack 1
+0 write(4, ..., 1072) = 1072
+0 > . 1:537(536) ack 1
+0 > P. 537:1073(536) ack 1`,
  );
  plays(
    'does not scale windows that the peer does not scale',
    SYN_SENT,
    `
+.01 < S. 0:0(0) ack 1 win 2000 <mss 1000>
+0 > . 1:1(0) ack 1 win 65535
+0 write(4, ..., 3000) = 3000
+0 > . 1:1001(1000) ack 1
+0 > . 1001:2001(1000) ack 1`,
  );
  plays(
    'scales the windows of both sides if both offer it',
    SYN_SENT,
    `
+.01 < S. 0:0(0) ack 1 win 2000 <mss 1000,nop,wscale 2>
+0 > . 1:1(0) ack 1 win 2109
+.01 < . 1:1(0) ack 1 win 250
+0 write(4, ..., 1500) = 1500
+0 > . 1:1001(1000) ack 1`,
  );
  plays(
    'does not keep a scale above 14 (RFC 7323 §2.3)',
    SYN_SENT,
    `
+.01 < S. 0:0(0) ack 1 win 1 <mss 1000,nop,wscale 20>
+0 > . 1:1(0) ack 1
+.01 < . 1:1(0) ack 1 win 1
+0 write(4, ..., 9000) = 9000
+0 > P. 1:9001(9000) ack 1`,
  );
});

describe('SYN-RECEIVED', () => {
  plays(
    'the ACK of the SYN opens the connection',
    SYN_RECEIVED,
    `
+.01 < . 1:1(0) ack 1 win 32792
+0 accept(3, ..., ...) = 4`,
  );
  plays(
    'data with the ACK is there when the connection is accepted',
    SYN_RECEIVED,
    `
+.01 < P. 1:101(100) ack 1 win 32792
+0 > . 1:1(0) ack 101
+0 accept(3, ..., ...) = 4
+0 read(4, ..., 1000) = 100`,
  );
  plays(
    'FIN with the ACK of the SYN is the end of the data',
    SYN_RECEIVED,
    `
+.01 < F. 1:1(0) ack 1 win 32792
+0 > . 1:1(0) ack 2
+0 accept(3, ..., ...) = 4
+0 read(4, ..., 1000) = 0`,
  );
  plays(
    'the SYN-ACK is sent again after 1 and 2 seconds',
    SYN_RECEIVED,
    `
+1 > S. 0:0(0) ack 1 <mss 1460>
+2 > S. 0:0(0) ack 1 <mss 1460>`,
  );
  plays(
    'after five retransmissions nothing is left',
    SYN_RECEIVED,
    `
+1 > S. 0:0(0) ack 1 <mss 1460>
+2 > S. 0:0(0) ack 1 <mss 1460>
+4 > S. 0:0(0) ack 1 <mss 1460>
+8 > S. 0:0(0) ack 1 <mss 1460>
+16 > S. 0:0(0) ack 1 <mss 1460>
+40 < . 1:1(0) ack 1 win 32792
+0 > R 1:1(0) win 0`,
  );
  plays(
    'the same SYN once more is answered with the same SYN-ACK',
    SYN_RECEIVED,
    `
+.5 < S 0:0(0) win 32792 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.01 < . 1:1(0) ack 1 win 32792
+0 accept(3, ..., ...) = 4`,
  );
  plays(
    'an ACK of less than the SYN is answered with a reset',
    SYN_RECEIVED,
    `
+.01 < . 1:1(0) ack 0 win 32792
+0 > R 0:0(0) win 0
+.01 < . 1:1(0) ack 1 win 32792
+0 accept(3, ..., ...) = 4`,
  );
  plays(
    'an ACK of more than the SYN is answered with a reset',
    SYN_RECEIVED,
    `
+.01 < . 1:1(0) ack 2 win 32792
+0 > R 2:2(0) win 0
+.01 < . 1:1(0) ack 1 win 32792
+0 accept(3, ..., ...) = 4`,
  );
  plays(
    'a reset ends it without an answer',
    SYN_RECEIVED,
    `
+.01 < R 1:1(0) win 0
+.01 < . 1:1(0) ack 1 win 32792
+0 > R 1:1(0) win 0`,
  );
  plays(
    'a segment outside of the window is answered with an ACK',
    SYN_RECEIVED,
    `
+.01 < . 900000:900000(0) ack 1 win 32792
+0 > . 1:1(0) ack 1
+.01 < . 1:1(0) ack 1 win 32792
+0 accept(3, ..., ...) = 4`,
  );
  plays(
    'the closing of the listener resets a connection that was not accepted',
    SYN_RECEIVED,
    `
+.01 < . 1:1(0) ack 1 win 32792
+.01 close(3) = 0
+0 > R. 1:1(0) ack 1`,
  );
  plays(
    'the closing of the listener resets it',
    SYN_RECEIVED,
    `
+.01 close(3) = 0
+0 > R. 1:1(0) ack 1
+.01 < . 1:1(0) ack 1 win 32792
+0 > R 1:1(0) win 0`,
  );
});
