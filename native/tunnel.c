#include "tunnel.h"

#include <errno.h>
#include <string.h>

#include <linux/if_tun.h>

#include "refusal.h"
#include "system.h"

/* Calls of one packet that signals may interrupt before it waits for the next turn. */
#define MAX_INTERRUPTIONS 8

int tunnel_open(struct tunnel *tunnel, const char *name, bool is_tap) {
  struct ifreq request = {0};
  const size_t length = strlen(name);
  /* The kernel takes an empty name as the wish for any, and cuts a long one. */
  if (length == 0 || length >= IFNAMSIZ) return refusal(CALL_IOCTL, EINVAL);
  memcpy(request.ifr_name, name, length + 1);
  request.ifr_flags = (short)((is_tap ? IFF_TAP : IFF_TUN) | IFF_NO_PI);
  tunnel->fd = sys_open_tunnel();
  if (tunnel->fd < 0) return refusal(CALL_OPEN, errno);
  if (sys_set_tunnel(tunnel->fd, &request) == 0) {
    memcpy(tunnel->name, request.ifr_name, IFNAMSIZ);
    tunnel->name[IFNAMSIZ - 1] = '\0';
    return 0;
  }
  const int error = errno;
  (void)tunnel_close(tunnel); /* The reason is the first refusal. */
  return refusal(CALL_IOCTL, error);
}

/* Asks for one fact. Returns 0 or a refusal. */
static int ask(int fd, const struct tunnel *tunnel, unsigned long question, struct ifreq *answer) {
  memset(answer, 0, sizeof *answer);
  memcpy(answer->ifr_name, tunnel->name, IFNAMSIZ);
  return sys_interface(fd, question, answer) == 0 ? 0 : refusal(CALL_IOCTL, errno);
}

static int read_facts(int fd, const struct tunnel *tunnel, struct tunnel_facts *facts) {
  struct ifreq answer;
  int result = ask(fd, tunnel, SIOCGIFMTU, &answer);
  if (result < 0) return result;
  facts->mtu = answer.ifr_mtu;
  result = ask(fd, tunnel, SIOCGIFFLAGS, &answer);
  if (result < 0) return result;
  facts->is_up = (answer.ifr_flags & IFF_UP) != 0;
  result = ask(fd, tunnel, SIOCGIFADDR, &answer);
  facts->has_address = result == 0;
  return result == refusal(CALL_IOCTL, EADDRNOTAVAIL) ? 0 : result;
}

int tunnel_facts(const struct tunnel *tunnel, struct tunnel_facts *facts) {
  /* The questions are those of a socket: the tunnel's own descriptor does not answer them. */
  const int fd = sys_socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return refusal(CALL_SOCKET, errno);
  const int result = read_facts(fd, tunnel, facts);
  (void)sys_close(fd); /* The answers are there, and the descriptor is free in any case. */
  return result;
}

static size_t aligned(size_t bytes) { return (bytes + TUNNEL_ALIGN - 1) / TUNNEL_ALIGN * TUNNEL_ALIGN; }

/* Returns the bytes of the next packet; 0 if none waits, or a refusal. */
static int receive_packet(int fd, uint8_t *bytes) {
  for (int i = 0; i < MAX_INTERRUPTIONS; i++) {
    const ssize_t count = sys_read_packet(fd, bytes, TUNNEL_PACKET_BYTES);
    if (count >= 0) return (int)count;
    if (errno != EINTR) break;
  }
  return errno == EAGAIN || errno == EINTR ? 0 : refusal(CALL_READ, errno);
}

int tunnel_receive(const struct tunnel *tunnel, const struct batch *batch) {
  size_t used = 0;
  int count = 0;
  while (count < TUNNEL_PACKETS && used + TUNNEL_PACKET_BYTES <= TUNNEL_BATCH_BYTES) {
    const int length = receive_packet(tunnel->fd, batch->bytes + used);
    /* The packets before a failure are reported first. It comes again. */
    if (length < 0 && count == 0) return length;
    if (length <= 0) break;
    batch->lengths[count++] = length;
    used += aligned((size_t)length);
  }
  return count;
}

/* Returns 0 or a refusal. */
static int send_packet(int fd, const uint8_t *bytes, size_t length) {
  for (int i = 0; i < MAX_INTERRUPTIONS; i++) {
    if (sys_write_packet(fd, bytes, length) >= 0) return 0; /* The kernel takes a packet whole. */
    if (errno != EINTR) break;
  }
  return refusal(CALL_WRITE, errno);
}

int tunnel_send(const struct tunnel *tunnel, const struct batch *batch, int count) {
  size_t used = 0;
  int refused = 0;
  for (int i = 0; i < count && i < TUNNEL_PACKETS; i++) {
    const int32_t length = batch->lengths[i];
    const bool is_inside = length >= 0 && (size_t)length <= TUNNEL_BATCH_BYTES - used;
    const int result = is_inside ? send_packet(tunnel->fd, batch->bytes + used, (size_t)length)
                                 : refusal(CALL_WRITE, EMSGSIZE);
    if (result < 0) {
      batch->lengths[i] = result;
      refused++;
    }
    if (is_inside) used += aligned((size_t)length);
  }
  return refused;
}

int tunnel_close(struct tunnel *tunnel) {
  const int fd = tunnel->fd;
  tunnel->fd = -1;
  /* Linux frees the descriptor even if the call is interrupted (close(2)). */
  return sys_close(fd) == 0 || errno == EINTR ? 0 : refusal(CALL_CLOSE, errno);
}
