/*
 * What the peer has acknowledged. The kernel's count of outstanding bytes (SIOCOUTQ) is the truth; its stamps
 * in a socket's error queue (SO_TIMESTAMPING) wake whoever waits for that, and may be lost.
 */
#include "socket.h"

#include <errno.h>
#include <string.h>

#include <linux/net_tstamp.h>

#include "refusal.h"
#include "system.h"

/* Linux 6.2; older headers lack it. Byte offsets count from the first byte, whatever was sent before. */
#define TSTAMP_OPT_ID_TCP (1 << 16)
/* Entries of a socket's error queue that are taken at once. */
#define MAX_STAMPS 8
/* So often a single one is taken, and then all that have gathered. */
#define LOOKS_FOR_ONE 16

int acked_since(struct socket *socket) {
  if (socket->acked == socket->taken) return 0;
  int outstanding = 0;
  if (sys_outq(socket->fd, &outstanding) != 0) return refusal(CALL_IOCTL, errno);
  /* FIN has a sequence number of its own, and is acknowledged last. */
  if (socket->sent_fin && outstanding > 0) outstanding--;
  const uint64_t acked = socket->taken - (uint64_t)outstanding;
  if (outstanding < 0 || (uint64_t)outstanding > socket->taken || acked <= socket->acked) return 0;
  /* What an integer cannot hold is told the next time. */
  const uint64_t bytes = acked - socket->acked > INT32_MAX ? INT32_MAX : acked - socket->acked;
  socket->acked += bytes;
  return (int)bytes;
}

void tell_acked(struct sockets *sockets, uint32_t slot) {
  const int bytes = acked_since(&sockets->slots[slot]);
  /* A refusal is no news: the count is asked for again with the next event or by the clock. */
  if (bytes > 0) tell(sockets, EVENT_ACKED, slot)->first = bytes;
}

bool drain_stamps(struct sockets *sockets, uint32_t slot, bool is_answer) {
  struct socket *socket = &sockets->slots[slot];
  /*
   * Looking for a second stamp costs more than all the rest here. Taking one of several has Linux tell of the
   * socket again (sock_dequeue_err_skb), so that none gather; where it did not, a full look would clear them.
   */
  const int most = is_answer && ++socket->looks % LOOKS_FOR_ONE != 0 ? 1 : MAX_STAMPS;
  int count = 0;
  for (; count < most; count++) {
    struct msghdr message;
    memset(&message, 0, sizeof message);
    if (sys_recvmsg(socket->fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0 && errno != EINTR) break;
  }
  /* There may be more: it is asked for, whatever taking them told. */
  if (count == MAX_STAMPS) watch_or_fail(sockets, slot);
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
  /* Without stamps the count is still asked for whenever something comes, and by the clock. */
  socket->reports_acks = on;
  return result;
}

int sockets_acked(struct sockets *sockets, int slot) {
  struct socket *socket = socket_at(sockets, slot);
  return socket == NULL ? refusal(CALL_IOCTL, EBADF) : acked_since(socket);
}
