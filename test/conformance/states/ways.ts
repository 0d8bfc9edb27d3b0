/** Lines of scripts that lead to the states of RFC 9293, as a server and as a client. */

/** A listener. */
export const LISTEN = `
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 8) = 0`;

/** SYN-RECEIVED: the peer's SYN has only an MSS, so that segments carry no options. */
export const SYN_RECEIVED = `${LISTEN}
+.01 < S 0:0(0) win 32792 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>`;

/** ESTABLISHED, as a server. */
export const ESTABLISHED = `${SYN_RECEIVED}
+.01 < . 1:1(0) ack 1 win 32792
+0 accept(3, ..., ...) = 4`;

/** ESTABLISHED with selective acknowledgements and a window scale of 7. */
export const ESTABLISHED_SACK = `${LISTEN}
+.01 < S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK,nop,wscale 8>
+.01 < . 1:1(0) ack 1 win 257
+0 accept(3, ..., ...) = 4`;

/** ESTABLISHED with timestamps; the peer's clock is at 200. */
export const ESTABLISHED_TIMESTAMPS = `${LISTEN}
+.01 < S 0:0(0) win 32792 <mss 1000,sackOK,TS val 100 ecr 0>
+0 > S. 0:0(0) ack 1 <mss 1460,sackOK,TS val 500 ecr 100>
+.01 < . 1:1(0) ack 1 win 32792 <nop,nop,TS val 200 ecr 500>
+0 accept(3, ..., ...) = 4`;

/** SYN-SENT. */
export const SYN_SENT = `
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 4
+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(4, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 > S 0:0(0) <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 8>`;

/** ESTABLISHED, as a client. */
export const CONNECTED = `${SYN_SENT}
+.01 < S. 0:0(0) ack 1 win 32792 <mss 1000>
+0 > . 1:1(0) ack 1`;

/** CLOSE-WAIT: the peer has closed. */
export const CLOSE_WAIT = `${ESTABLISHED}
+.01 < F. 1:1(0) ack 1 win 32792
+0 > . 1:1(0) ack 2`;

/** FIN-WAIT-1: the program has shut down sending, and still reads. */
export const FIN_WAIT_1 = `${ESTABLISHED}
+.01 shutdown(4, SHUT_WR) = 0
+0 > F. 1:1(0) ack 1`;

export const FIN_WAIT_2 = `${FIN_WAIT_1}
+.01 < . 1:1(0) ack 2 win 32792`;

export const CLOSING = `${FIN_WAIT_1}
+.01 < F. 1:1(0) ack 1 win 32792
+0 > . 2:2(0) ack 2`;

export const LAST_ACK = `${CLOSE_WAIT}
+.01 close(4) = 0
+0 > F. 1:1(0) ack 2`;

export const TIME_WAIT = `${FIN_WAIT_2}
+.01 < F. 1:1(0) ack 2 win 32792
+0 > . 2:2(0) ack 2`;
