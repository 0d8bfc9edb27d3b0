/** What happens to segments in ESTABLISHED (RFC 9293 §3.10.7.4, RFC 5961, RFC 7323). */
import { describe } from 'node:test';
import { plays, willPlay } from './plays.js';
import { ESTABLISHED, ESTABLISHED_SACK, ESTABLISHED_TIMESTAMPS } from './ways.js';

describe('ESTABLISHED: the peer sends', () => {
  plays(
    'data arrives, and is acknowledged',
    ESTABLISHED,
    `
+.01 < P. 1:101(100) ack 1 win 32792
+0 > . 1:1(0) ack 101
+0 read(4, ..., 1000) = 100`,
  );
  plays(
    'data without the push flag arrives as well',
    ESTABLISHED,
    `
+.01 < . 1:101(100) ack 1 win 32792
+0 > . 1:1(0) ack 101
+0 read(4, ..., 1000) = 100`,
  );
  plays(
    'data that was there already is answered with an ACK',
    ESTABLISHED,
    `
+.01 < P. 1:101(100) ack 1 win 32792
+0 > . 1:1(0) ack 101
+.01 < P. 1:101(100) ack 1 win 32792
+0 > . 1:1(0) ack 101
+0 read(4, ..., 1000) = 100`,
  );
  plays(
    'of data that was there in part, the new part is kept',
    ESTABLISHED,
    `
+.01 < P. 1:101(100) ack 1 win 32792
+0 > . 1:1(0) ack 101
+.01 < P. 51:201(150) ack 1 win 32792
+0 > . 1:1(0) ack 201
+0 read(4, ..., 1000) = 200`,
  );
  plays(
    'data out of order waits, and each such segment is answered at once',
    ESTABLISHED,
    `
+.01 < . 1001:2001(1000) ack 1 win 32792
+0 > . 1:1(0) ack 1
+.01 < . 2001:3001(1000) ack 1 win 32792
+0 > . 1:1(0) ack 1
+0 ioctl(4, SIOCINQ, [0]) = 0
+.01 < . 1:1001(1000) ack 1 win 32792
+0 > . 1:1(0) ack 3001
+0 read(4, ..., 9000) = 3000`,
  );
  plays(
    'a FIN behind a hole waits for the data',
    ESTABLISHED,
    `
+.01 < F. 1001:2001(1000) ack 1 win 32792
+0 > . 1:1(0) ack 1
+.01 < . 1:1001(1000) ack 1 win 32792
+0 > . 1:1(0) ack 2002
+0 read(4, ..., 9000) = 2000
+0 read(4, ..., 9000) = 0`,
  );
  plays(
    'a segment left of the window is answered with an ACK',
    ESTABLISHED,
    `
+.01 < . -1000:-900(100) ack 1 win 32792
+0 > . 1:1(0) ack 1
+0 ioctl(4, SIOCINQ, [0]) = 0`,
  );
  plays(
    'a segment right of the window is answered with an ACK',
    ESTABLISHED,
    `
+.01 < . 600000:600100(100) ack 1 win 32792
+0 > . 1:1(0) ack 1
+0 ioctl(4, SIOCINQ, [0]) = 0`,
  );
  plays(
    'a keep-alive probe is answered',
    ESTABLISHED,
    `
+.01 < . 0:0(0) ack 1 win 32792
+0 > . 1:1(0) ack 1
+10 < . 0:1(1) ack 1 win 32792
+0 > . 1:1(0) ack 1`,
  );
  plays(
    'a segment without ACK is dropped',
    ESTABLISHED,
    `
+.01 < P 1:101(100) win 32792
+0 ioctl(4, SIOCINQ, [0]) = 0`,
  );
  plays(
    'the urgent flag does not take a byte out of the data',
    ESTABLISHED,
    `
+.01 < UP. 1:101(100) ack 1 win 32792 urg 10
+0 > . 1:1(0) ack 101
+0 read(4, ..., 1000) = 100`,
  );
  plays(
    'data is acknowledged while the program does not read',
    ESTABLISHED,
    `
+.01 < . 1:32001(32000) ack 1 win 32792
+0 > . 1:1(0) ack 32001`,
  );
});

describe('ESTABLISHED: acknowledgements', () => {
  plays(
    'an ACK of data that was never sent is answered with an ACK and dropped',
    ESTABLISHED,
    `
+.01 < P. 1:101(100) ack 1001 win 32792
+0 > . 1:1(0) ack 1
+0 ioctl(4, SIOCINQ, [0]) = 0`,
  );
  plays(
    'an ACK far behind what is acknowledged is answered with an ACK (RFC 5961 §5)',
    ESTABLISHED,
    `
+.01 < . 1:1(0) ack -200000 win 32792
+0 > . 1:1(0) ack 1`,
  );
  plays(
    'an old ACK with data is no reason to drop the data',
    ESTABLISHED,
    `
+0 write(4, ..., 1000) = 1000
+0 > P. 1:1001(1000) ack 1
+.01 < . 1:1(0) ack 1001 win 32792
+.01 < P. 1:101(100) ack 1 win 32792
+0 > . 1001:1001(0) ack 101
+0 read(4, ..., 1000) = 100`,
  );
  plays(
    'an old ACK does not change the window',
    ESTABLISHED,
    `
+0 write(4, ..., 1000) = 1000
+0 > P. 1:1001(1000) ack 1
+.01 < . 1:1(0) ack 1001 win 32792
+.01 < . 1:1(0) ack 1 win 0
+.01 write(4, ..., 1000) = 1000
+0 > P. 1001:2001(1000) ack 1`,
  );
  plays(
    'two full segments are acknowledged at once after the quick ones',
    ESTABLISHED,
    `
+.01 < . 1:1001(1000) ack 1 win 32792
+0 > . 1:1(0) ack 1001
+0 < . 1001:2001(1000) ack 1 win 32792
+0 > . 1:1(0) ack 2001`,
  );
  plays(
    'data of the program carries the acknowledgement',
    ESTABLISHED,
    `
+.01 < P. 1:101(100) ack 1 win 32792
+0 > . 1:1(0) ack 101
+0 read(4, ..., 1000) = 100
+0 write(4, ..., 100) = 100
+0 > P. 1:101(100) ack 101`,
  );
});

describe('ESTABLISHED: resets and SYNs (RFC 5961)', () => {
  plays(
    'a reset of the exact number resets, and is not answered',
    ESTABLISHED,
    `
+.01 < R. 1:1(0) ack 1 win 0
+0 read(4, ..., 1000) = -1 ECONNRESET (Connection reset by peer)
+0 read(4, ..., 1000) = 0
+0 write(4, ..., 10) = -1 EPIPE (Broken pipe)
+0 close(4) = 0`,
  );
  plays(
    'a reset without ACK resets as well',
    ESTABLISHED,
    `
+.01 < R 1:1(0) win 0
+0 read(4, ..., 1000) = -1 ECONNRESET (Connection reset by peer)`,
  );
  plays(
    'data before a reset can still be read',
    ESTABLISHED,
    `
+.01 < P. 1:101(100) ack 1 win 32792
+0 > . 1:1(0) ack 101
+.01 < R. 101:101(0) ack 1 win 0
+0 read(4, ..., 1000) = 100
+0 read(4, ..., 1000) = -1 ECONNRESET (Connection reset by peer)`,
  );
  plays(
    'a reset elsewhere in the window is answered with a challenge',
    ESTABLISHED,
    `
+.01 < R. 100:100(0) ack 1 win 0
+0 > . 1:1(0) ack 1
+.01 < P. 1:101(100) ack 1 win 32792
+0 > . 1:1(0) ack 101`,
  );
  plays(
    'a reset outside of the window is dropped without a word',
    ESTABLISHED,
    `
+.01 < R. 900000:900000(0) ack 1 win 0
+.01 < R. -10:-10(0) ack 1 win 0
+.01 < P. 1:101(100) ack 1 win 32792
+0 > . 1:1(0) ack 101`,
  );
  plays(
    'a SYN in the window is answered with a challenge',
    ESTABLISHED,
    `
+.01 < S 100:100(0) win 32792 <mss 1000>
+0 > . 1:1(0) ack 1
+.01 < P. 1:101(100) ack 1 win 32792
+0 > . 1:1(0) ack 101`,
  );
  plays(
    'the SYN of the handshake once more is answered with an ACK',
    ESTABLISHED,
    `
+.01 < S 0:0(0) win 32792 <mss 1000>
+0 > . 1:1(0) ack 1`,
  );
});

describe('ESTABLISHED: timestamps (RFC 7323)', () => {
  plays(
    "each segment echoes the peer's last timestamp",
    ESTABLISHED_TIMESTAMPS,
    `
+.01 < P. 1:101(100) ack 1 win 32792 <nop,nop,TS val 210 ecr 500>
+0 > . 1:1(0) ack 101 <nop,nop,TS val 520 ecr 210>
+0 write(4, ..., 10) = 10
+0 > P. 1:11(10) ack 101 <nop,nop,TS val 520 ecr 210>`,
  );
  plays(
    'a segment of an older clock is dropped and answered (PAWS)',
    ESTABLISHED_TIMESTAMPS,
    `
+.01 < P. 1:101(100) ack 1 win 32792 <nop,nop,TS val 210 ecr 500>
+0 > . 1:1(0) ack 101 <nop,nop,TS val 520 ecr 210>
+.01 < P. 101:201(100) ack 1 win 32792 <nop,nop,TS val 205 ecr 500>
+0 > . 1:1(0) ack 101 <nop,nop,TS val 530 ecr 210>
+0 ioctl(4, SIOCINQ, [100]) = 0`,
  );
  plays(
    'a reset of an older clock resets all the same',
    ESTABLISHED_TIMESTAMPS,
    `
+.01 < R. 1:1(0) ack 1 win 32792 <nop,nop,TS val 5 ecr 500>
+0 read(4, ..., 1000) = -1 ECONNRESET (Connection reset by peer)`,
  );
  plays(
    'a segment without timestamps is taken, as Linux does (§3.2 would drop it)',
    ESTABLISHED_TIMESTAMPS,
    `
+.01 < P. 1:101(100) ack 1 win 32792
+0 > . 1:1(0) ack 101 <nop,nop,TS val 520 ecr 200>
+0 ioctl(4, SIOCINQ, [100]) = 0
+.01 < R. 101:101(0) ack 1 win 0
+0 read(4, ..., 1000) = 100
+0 read(4, ..., 1000) = -1 ECONNRESET (Connection reset by peer)`,
  );
  plays(
    'a segment that starts behind the last ACK does not set the echo (§4.3)',
    ESTABLISHED_TIMESTAMPS,
    `
+.01 < . 101:201(100) ack 1 win 32792 <nop,nop,TS val 230 ecr 500>
+0 > . 1:1(0) ack 1 <nop,nop,TS val 520 ecr 200,nop,nop,sack 101:201>
+.01 < . 1:101(100) ack 1 win 32792 <nop,nop,TS val 215 ecr 500>
+0 > . 1:1(0) ack 201 <nop,nop,TS val 530 ecr 215>`,
  );
  plays(
    'a segment that acknowledges what was never sent does not set the echo',
    ESTABLISHED_TIMESTAMPS,
    `
+.01 < . 1:1(0) ack 9999 win 32792 <nop,nop,TS val 90000 ecr 500>
+0 > . 1:1(0) ack 1 <nop,nop,TS val 520 ecr 200>
+.01 < P. 1:101(100) ack 1 win 32792 <nop,nop,TS val 220 ecr 500>
+0 > . 1:1(0) ack 101 <nop,nop,TS val 530 ecr 220>`,
  );
  plays(
    'the payload is smaller by the option',
    ESTABLISHED_TIMESTAMPS,
    `
+.01 write(4, ..., 1000) = 1000
+0 > . 1:989(988) ack 1 <nop,nop,TS val 520 ecr 200>
+.01 < . 1:1(0) ack 989 win 32792 <nop,nop,TS val 210 ecr 520>
+0 > P. 989:1001(12) ack 1 <nop,nop,TS val 530 ecr 210>`,
  );
});

describe('ESTABLISHED: SACK as a receiver (RFC 2018, RFC 2883)', () => {
  plays(
    'blocks name what waits, the latest first',
    ESTABLISHED_SACK,
    `
+.01 < . 1001:2001(1000) ack 1 win 257
+0 > . 1:1(0) ack 1 <nop,nop,sack 1001:2001>
+.01 < . 3001:4001(1000) ack 1 win 257
+0 > . 1:1(0) ack 1 <nop,nop,sack 3001:4001 1001:2001>
+.01 < . 5001:6001(1000) ack 1 win 257
+0 > . 1:1(0) ack 1 <nop,nop,sack 5001:6001 3001:4001 1001:2001>
+.01 < . 7001:8001(1000) ack 1 win 257
+0 > . 1:1(0) ack 1 <nop,nop,sack 7001:8001 5001:6001 3001:4001 1001:2001>
+.01 < . 9001:10001(1000) ack 1 win 257
+0 > . 1:1(0) ack 1 <nop,nop,sack 9001:10001 7001:8001 5001:6001 3001:4001>`,
  );
  plays(
    'blocks that meet become one',
    ESTABLISHED_SACK,
    `
+.01 < . 1001:2001(1000) ack 1 win 257
+0 > . 1:1(0) ack 1 <nop,nop,sack 1001:2001>
+.01 < . 3001:4001(1000) ack 1 win 257
+0 > . 1:1(0) ack 1 <nop,nop,sack 3001:4001 1001:2001>
+.01 < . 2001:3001(1000) ack 1 win 257
+0 > . 1:1(0) ack 1 <nop,nop,sack 1001:4001>
+.01 < . 1:1001(1000) ack 1 win 257
+0 > . 1:1(0) ack 4001`,
  );
  plays(
    'a duplicate left of the window is reported (D-SACK)',
    ESTABLISHED_SACK,
    `
+.01 < . 1:1001(1000) ack 1 win 257
+0 > . 1:1(0) ack 1001
+.01 < . 1:1001(1000) ack 1 win 257
+0 > . 1:1(0) ack 1001 <nop,nop,sack 1:1001>`,
  );
  plays(
    'a duplicate of what waits is reported in front of its block',
    ESTABLISHED_SACK,
    `
+.01 < . 1001:3001(2000) ack 1 win 257
+0 > . 1:1(0) ack 1 <nop,nop,sack 1001:3001>
+.01 < . 2001:3001(1000) ack 1 win 257
+0 > . 1:1(0) ack 1 <nop,nop,sack 2001:3001 1001:3001>`,
  );
  willPlay(
    'data that fills holes reports what it has brought twice',
    'only data that is old as a whole is reported',
    ESTABLISHED_SACK,
    `
+.01 < . 1001:3001(2000) ack 1 win 257
+0 > . 1:1(0) ack 1 <nop,nop,sack 1001:3001>
+.01 < . 7001:8001(1000) ack 1 win 257
+0 > . 1:1(0) ack 1 <nop,nop,sack 7001:8001 1001:3001>
+.01 < . 1:6001(6000) ack 1 win 257
+0 > . 1:1(0) ack 6001 <nop,nop,sack 1001:3001 7001:8001>`,
  );
  plays(
    'three blocks are left beside timestamps',
    ESTABLISHED_TIMESTAMPS,
    `
+.01 < . 1001:1101(100) ack 1 win 32792 <nop,nop,TS val 210 ecr 500>
+0 > . 1:1(0) ack 1 <nop,nop,TS val 520 ecr 200,nop,nop,sack 1001:1101>
+0 < . 2001:2101(100) ack 1 win 32792 <nop,nop,TS val 210 ecr 500>
+0 > . 1:1(0) ack 1 <nop,nop,TS val 520 ecr 200,nop,nop,sack 2001:2101 1001:1101>
+0 < . 3001:3101(100) ack 1 win 32792 <nop,nop,TS val 210 ecr 500>
+0 > . 1:1(0) ack 1 <nop,nop,TS val 520 ecr 200,nop,nop,sack 3001:3101 2001:2101 1001:1101>
+0 < . 4001:4101(100) ack 1 win 32792 <nop,nop,TS val 210 ecr 500>
+0 > . 1:1(0) ack 1 <nop,nop,TS val 520 ecr 200,nop,nop,sack 4001:4101 3001:3101 2001:2101>`,
  );
});
