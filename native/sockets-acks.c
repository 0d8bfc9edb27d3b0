/*
 * Acknowledgements of the peer. The kernel's count of outstanding bytes (SIOCOUTQ) is exact. Its timestamps
 * in a socket's error queue (SO_TIMESTAMPING) only say when to read that count, and may be lost.
 */
#include "socket.h"

#include <errno.h>
#include <string.h>

#include <linux/net_tstamp.h>

#include "refusal.h"
#include "system.h"

/* Linux 6.2; older headers lack it. Offsets then count from the first byte of the connection. */
#define TSTAMP_OPT_ID_TCP (1 << 16)
/* Entries of a socket's error queue that are taken at once. */
#define MAX_STAMPS 8
/* Every look of this number takes all entries; the others take a single one. */
#define LOOKS_PER_FULL_LOOK 16

int take_acked(struct socket *socket) {
  if (socket->acked == socket->taken) return 0;
  int outstanding = 0;
  if (sys_outq(socket->fd, &outstanding) != 0) return refusal(CALL_IOCTL, errno);
  /* FIN has a sequence number of its own, and is acknowledged last. */
  if (socket->sent_fin && outstanding > 0) outstanding--;
  const uint64_t acked = socket->taken - (uint64_t)outstanding;
  if (outstanding < 0 || (uint64_t)outstanding > socket->taken || acked <= socket->acked) return 0;
  /* Bytes that an int cannot hold are left to the next call. */
  const uint64_t bytes = acked - socket->acked > INT32_MAX ? INT32_MAX : acked - socket->acked;
  socket->acked += bytes;
  return (int)bytes;
}

void report_acked(struct sockets *sockets, uint32_t slot) {
  const int bytes = take_acked(&sockets->slots[slot]);
  /* After a refusal the count is read again with the next event, or by the clock of JavaScript. */
  if (bytes > 0) push_event(sockets, EVENT_ACKED, slot)->first = bytes;
}

bool drain_timestamps(struct sockets *sockets, uint32_t slot, bool is_answer) {
  struct socket *socket = &sockets->slots[slot];
  /*
   * To look for a second entry costs more than all the rest here. If one of several is taken, Linux reports
   * the socket again (sock_dequeue_err_skb), so that entries do not accumulate. The full looks remove what
   * is left all the same.
   */
  const int most = is_answer && ++socket->looks % LOOKS_PER_FULL_LOOK != 0 ? 1 : MAX_STAMPS;
  int count = 0;
  for (; count < most; count++) {
    struct msghdr message;
    memset(&message, 0, sizeof message);
    if (sys_recvmsg(socket->fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0 && errno != EINTR) break;
  }
  /* There may be more entries, for which epoll does not report the socket again. */
  if (count == MAX_STAMPS) watch_or_report(sockets, slot);
  return count > 0;
}

int sockets_report_acks(struct sockets *sockets, int slot, bool on) {
  struct socket *socket = socket_at(sockets, slot);
  if (socket == NULL) return refusal(CALL_SETSOCKOPT, EBADF);
  const int stamps = SOF_TIMESTAMPING_TX_ACK | SOF_TIMESTAMPING_OPT_TSONLY | SOF_TIMESTAMPING_OPT_ID;
  int result = endpoint_option(socket->fd, SOL_SOCKET, SO_TIMESTAMPING, on ? stamps | TSTAMP_OPT_ID_TCP : 0);
  if (on && result == refusal(CALL_SETSOCKOPT, EINVAL)) {
    result = endpoint_option(socket->fd, SOL_SOCKET, SO_TIMESTAMPING, stamps);
  }
  /*
   * Without timestamps the count is still read with every report of the socket, and by the clock of
   * JavaScript.
   */
  socket->reports_acks = on;
  return result;
}

int sockets_acked(struct sockets *sockets, int slot) {
  struct socket *socket = socket_at(sockets, slot);
  return socket == NULL ? refusal(CALL_IOCTL, EBADF) : take_acked(socket);
}
