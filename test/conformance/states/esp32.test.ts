/**
 * The times of the `esp32` profile, those of lwIP (tcp.c: tcp_slowtmr, tcp_fasttmr): ticks of 250 and 500 ms
 * that begin with the script count everything.
 */
import { describe } from 'node:test';
import { playsAs } from './plays.js';

const LISTEN = `
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 8) = 0`;

const ESTABLISHED = `${LISTEN}
+.01 < S 0:0(0) win 32792 <mss 1000>
+0 > S. 0:0(0) ack 1 win 5760 <mss 1440>
+.01 < . 1:1(0) ack 1 win 32792
+0 accept(3, ..., ...) = 4`;

const plays = (title: string, way: string, lines: string): void => playsAs('esp32', title, way, lines);

describe('esp32: opening', () => {
  plays(
    'no option but the MSS is offered',
    '',
    `
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 4
+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(4, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 > S 0:0(0) win 5760 <mss 1440>`,
  );
  plays(
    'the SYN is sent each 1.5 s, 12 times, then the connection fails',
    '',
    `
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 4
+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0.01 connect(4, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 > S 0:0(0) win 5760 <mss 1440>
1.5 > S 0:0(0) win 5760 <mss 1440>
3 > S 0:0(0) win 5760 <mss 1440>
4.5 > S 0:0(0) win 5760 <mss 1440>
6 > S 0:0(0) win 5760 <mss 1440>
7.5 > S 0:0(0) win 5760 <mss 1440>
9 > S 0:0(0) win 5760 <mss 1440>
10.5 > S 0:0(0) win 5760 <mss 1440>
12 > S 0:0(0) win 5760 <mss 1440>
13.5 > S 0:0(0) win 5760 <mss 1440>
15 > S 0:0(0) win 5760 <mss 1440>
16.5 > S 0:0(0) win 5760 <mss 1440>
18 > S 0:0(0) win 5760 <mss 1440>
20 getsockopt(4, SOL_SOCKET, SO_ERROR, [ETIMEDOUT], [4]) = 0`,
  );
  plays(
    'of the options that are offered, only the MSS is taken',
    LISTEN,
    `
+.01 < S 0:0(0) win 32792 <mss 1000,sackOK,TS val 7 ecr 0,nop,wscale 7>
+0 > S. 0:0(0) ack 1 win 5760 <mss 1440>`,
  );
  plays(
    'without the MSS option, segments have 536 bytes',
    LISTEN,
    `
+.01 < S 0:0(0) win 32792
+0 > S. 0:0(0) ack 1 win 5760 <mss 1440>
+.01 < . 1:1(0) ack 1 win 32792
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 1072) = 1072
+0 > . 1:537(536) ack 1
+0 > P. 537:1073(536) ack 1`,
  );
});

describe('esp32: retransmission', () => {
  plays(
    'after 1.5, 3, 6, 12, 24, 48, 96 and 192 seconds',
    ESTABLISHED,
    `
+0 write(4, ..., 100) = 100
+0 > P. 1:101(100) ack 1
1.5 > P. 1:101(100) ack 1
4.5 > P. 1:101(100) ack 1
10.5 > P. 1:101(100) ack 1
22.5 > P. 1:101(100) ack 1
46.5 > P. 1:101(100) ack 1
94.5 > P. 1:101(100) ack 1
190.5 > P. 1:101(100) ack 1
382.5 > P. 1:101(100) ack 1
574.5 > P. 1:101(100) ack 1
766.5 > P. 1:101(100) ack 1
958.5 > P. 1:101(100) ack 1
1150.5 > P. 1:101(100) ack 1
+1 < . 1:1(0) ack 101 win 32792`,
  );
  plays(
    'after the twelfth the connection has failed',
    ESTABLISHED,
    `
+0 write(4, ..., 100) = 100
+0 > P. 1:101(100) ack 1
1.5 > P. 1:101(100) ack 1
4.5 > P. 1:101(100) ack 1
10.5 > P. 1:101(100) ack 1
22.5 > P. 1:101(100) ack 1
46.5 > P. 1:101(100) ack 1
94.5 > P. 1:101(100) ack 1
190.5 > P. 1:101(100) ack 1
382.5 > P. 1:101(100) ack 1
574.5 > P. 1:101(100) ack 1
766.5 > P. 1:101(100) ack 1
958.5 > P. 1:101(100) ack 1
1150.5 > P. 1:101(100) ack 1
1344 write(4, ..., 1) = -1 ETIMEDOUT (Connection timed out)`,
  );
  plays(
    'three duplicates send one segment again, and the first new ACK ends it',
    ESTABLISHED,
    `
+0 write(4, ..., 4000) = 4000
+0 > P. 1:4001(4000) ack 1
+.01 < . 1:1(0) ack 1 win 32792
+0 < . 1:1(0) ack 1 win 32792
+0 < . 1:1(0) ack 1 win 32792
+0 > . 1:1001(1000) ack 1
+.01 < . 1:1(0) ack 2001 win 32792
+1 < . 1:1(0) ack 4001 win 32792`,
  );
});

describe('esp32: a closed window', () => {
  plays(
    'is probed after 1.5, 3, 6, 12, 24, 48 and 60 seconds',
    ESTABLISHED,
    `
+.01 < . 1:1(0) ack 1 win 0
+.01 write(4, ..., 100) = 100
1.5 > . 1:2(1) ack 1
+.01 < . 1:1(0) ack 1 win 0
4.5 > . 1:2(1) ack 1
+.01 < . 1:1(0) ack 1 win 0
10.5 > . 1:2(1) ack 1
+.01 < . 1:1(0) ack 1 win 0
22.5 > . 1:2(1) ack 1
+.01 < . 1:1(0) ack 1 win 0
46.5 > . 1:2(1) ack 1
+.01 < . 1:1(0) ack 1 win 0
94.5 > . 1:2(1) ack 1
+.01 < . 1:1(0) ack 1 win 0
154.5 > . 1:2(1) ack 1
+.01 < . 1:1(0) ack 1 win 0
214.5 > . 1:2(1) ack 1
+.01 < . 1:1(0) ack 2 win 32792
+0 > P. 2:101(99) ack 1`,
  );
});

describe('esp32: acknowledgements', () => {
  plays(
    'one segment is acknowledged by the next tick of 250 ms',
    ESTABLISHED,
    `
+.03 < P. 1:101(100) ack 1 win 32792
.25 > . 1:1(0) ack 101
.3 < P. 101:201(100) ack 1 win 32792
.5 > . 1:1(0) ack 201`,
  );
  plays(
    'the second segment is acknowledged at once',
    ESTABLISHED,
    `
+.03 < P. 1:101(100) ack 1 win 32792
+.01 < P. 101:201(100) ack 1 win 32792
+0 > . 1:1(0) ack 201`,
  );
  plays(
    'data of the program carries the acknowledgement',
    ESTABLISHED,
    `
+.03 < P. 1:101(100) ack 1 win 32792
+.01 read(4, ..., 100) = 100
+0 write(4, ..., 10) = 10
+0 > P. 1:11(10) ack 101`,
  );
  plays(
    'a window that opens by 1440 bytes is announced, one that opens by less is not',
    ESTABLISHED,
    `
+.03 < . 1:1001(1000) ack 1 win 32792
+0 < . 1001:2001(1000) ack 1 win 32792
+0 > . 1:1(0) ack 2001 win 3760
+.01 read(4, ..., 1000) = 1000
+.01 read(4, ..., 1000) = 1000
+0 > . 1:1(0) ack 2001 win 5760`,
  );
  plays(
    'of data out of order, four segments are kept',
    ESTABLISHED,
    `
+.03 < . 101:201(100) ack 1 win 32792
+0 > . 1:1(0) ack 1
+0 < . 301:401(100) ack 1 win 32792
+0 > . 1:1(0) ack 1
+0 < . 501:601(100) ack 1 win 32792
+0 > . 1:1(0) ack 1
+0 < . 701:801(100) ack 1 win 32792
+0 > . 1:1(0) ack 1
+0 < . 901:1001(100) ack 1 win 32792
+0 > . 1:1(0) ack 1
+.01 < . 801:901(100) ack 1 win 32792
+0 > . 1:1(0) ack 1
+.01 < . 1:101(100) ack 1 win 32792
+0 > . 1:1(0) ack 201
+.01 < . 201:301(100) ack 1 win 32792
+0 > . 1:1(0) ack 401
+.01 < . 401:501(100) ack 1 win 32792
+0 > . 1:1(0) ack 601
+.01 < . 601:701(100) ack 1 win 32792
+0 > . 1:1(0) ack 801`,
  );
});

describe('esp32: the end', () => {
  plays(
    'TIME-WAIT lasts 120 seconds',
    ESTABLISHED,
    `
+.01 close(4) = 0
+0 > F. 1:1(0) ack 1
+.01 < F. 1:1(0) ack 2 win 32792
+0 > . 2:2(0) ack 2
+119 < F. 1:1(0) ack 2 win 32792
+0 > . 2:2(0) ack 2
+121 < F. 1:1(0) ack 2 win 32792
+0 > R 2:2(0)`,
  );
  plays(
    'FIN-WAIT-2 lasts 20 seconds after a close',
    ESTABLISHED,
    `
+.01 close(4) = 0
+0 > F. 1:1(0) ack 1
+.01 < . 1:1(0) ack 2 win 32792
+21 < F. 1:1(0) ack 2 win 32792
+0 > R 2:2(0)`,
  );
  plays(
    'LAST-ACK lasts 120 seconds',
    ESTABLISHED,
    `
+.01 < F. 1:1(0) ack 1 win 32792
+0 > . 1:1(0) ack 2
+.01 close(4) = 0
+0 > F. 1:1(0) ack 2
1.5 > F. 1:1(0) ack 2
4.5 > F. 1:1(0) ack 2
10.5 > F. 1:1(0) ack 2
22.5 > F. 1:1(0) ack 2
46.5 > F. 1:1(0) ack 2
94.5 > F. 1:1(0) ack 2
121.5 < . 2:2(0) ack 2 win 32792
+0 > R 2:2(0)`,
  );
  plays(
    'SYN-RECEIVED lasts 20 seconds',
    LISTEN,
    `
+.01 < S 0:0(0) win 32792 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1440>
1.5 > S. 0:0(0) ack 1 <mss 1440>
4.5 > S. 0:0(0) ack 1 <mss 1440>
10.5 > S. 0:0(0) ack 1 <mss 1440>
22 < . 1:1(0) ack 1 win 32792
+0 > R 1:1(0)`,
  );
  plays(
    'a close with unread data sends a reset',
    ESTABLISHED,
    `
+.03 < . 1:1001(1000) ack 1 win 32792
+0 < . 1001:2001(1000) ack 1 win 32792
+0 > . 1:1(0) ack 2001
+0 close(4) = 0
+0 > R. 1:1(0) ack 2001`,
  );
});
