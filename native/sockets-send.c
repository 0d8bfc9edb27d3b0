/* Sending: the records of many sockets, which JavaScript gathered, and the pieces of one socket. */
#include "socket.h"

#include <errno.h>

#include "refusal.h"
#include "system.h"

/*
 * Counts what the kernel accepted of `bytes`, by the result `count` and the errno of the call. Returns the
 * number of accepted bytes.
 */
static int on_sent(struct sockets *sockets, uint32_t slot, size_t bytes, ssize_t count, int error) {
  struct socket *socket = &sockets->slots[slot];
  if (count < 0 && error != EAGAIN && error != EINTR) return refusal(CALL_WRITE, error);
  const size_t taken = count < 0 ? 0 : (size_t)count;
  socket->taken += taken;
  if (taken < bytes) {
    socket->is_full = true;
    const int result = watch(sockets, slot);
    if (result != 0) return result;
  }
  return (int)taken;
}

static int send_record(struct sockets *sockets, const struct send *record) {
  struct socket *socket = socket_at(sockets, record->slot);
  if (socket == NULL) return refusal(CALL_WRITE, EBADF);
  const bool is_inside = record->offset >= 0 && record->bytes > 0 && record->bytes <= ARENA_BYTES &&
                         record->offset <= ARENA_BYTES - record->bytes;
  if (!is_inside) return refusal(CALL_WRITE, EINVAL);
  if (socket->is_full || socket->refused_in == sockets->flushes) return 0;
  const uint8_t *bytes = &sockets->shared.arena[record->offset];
  ssize_t count = -1;
  for (int i = 0; i < MAX_INTERRUPTIONS; i++) {
    count = sys_send(socket->fd, bytes, (size_t)record->bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0 || errno != EINTR) break;
  }
  const int result = on_sent(sockets, (uint32_t)record->slot, (size_t)record->bytes, count, errno);
  if (result < 0) socket->refused_in = sockets->flushes;
  return result;
}

int sockets_flush(struct sockets *sockets, int count) {
  int short_count = 0;
  /* 0 means no flush in `refused_in`. */
  if (++sockets->flushes == 0) sockets->flushes = 1;
  for (int i = 0; i < count; i++) {
    struct send *record = &sockets->shared.sends[i];
    record->result = send_record(sockets, record);
    if (record->result != record->bytes) short_count++;
  }
  return short_count;
}

int sockets_send(struct sockets *sockets, int slot, const struct iovec *pieces, size_t count) {
  struct socket *socket = socket_at(sockets, slot);
  if (socket == NULL) return refusal(CALL_WRITE, EBADF);
  if (socket->is_full) return 0;
  /*
   * The kernel only reads the pieces. They are copied because the struct, which recvmsg shares, is not
   * const.
   */
  struct iovec copies[MAX_PIECES];
  size_t bytes = 0;
  for (size_t i = 0; i < count; i++) {
    copies[i] = pieces[i];
    bytes += pieces[i].iov_len;
  }
  struct msghdr message = {.msg_iov = copies};
  /* The field is a size_t with glibc and an int with musl. */
  message.msg_iovlen = (__typeof__(message.msg_iovlen))count;
  ssize_t result = -1;
  for (int i = 0; i < MAX_INTERRUPTIONS; i++) {
    result = count == 1 ? sys_send(socket->fd, pieces[0].iov_base, bytes, MSG_NOSIGNAL | MSG_DONTWAIT)
                        : sys_sendmsg(socket->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (result >= 0 || errno != EINTR) break;
  }
  return on_sent(sockets, (uint32_t)slot, bytes, result, errno);
}
