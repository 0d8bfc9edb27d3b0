/*
 * A network interface whose other end is this process: TAP (Ethernet frames) or TUN (IP packets) of Linux,
 * Documentation/networking/tuntap.rst of the kernel. A crossing between C and JavaScript carries a batch of
 * packets: their bytes lie one behind the other in memory that both sides see, each at a multiple of
 * TUNNEL_ALIGN, and their lengths in an array.
 *
 * Call order: `tunnel_open` → (`tunnel_receive` | `tunnel_send`)* → `tunnel_close`.
 */
#ifndef ASYNCTCP_TUNNEL_H
#define ASYNCTCP_TUNNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <net/if.h>

/* Packets of one batch. */
#define TUNNEL_PACKETS 64
/* Bytes of the largest packet: of IP, behind an Ethernet header with a VLAN tag. */
#define TUNNEL_PACKET_BYTES 65553
/* Packets begin at multiples of this. */
#define TUNNEL_ALIGN 64
/* Bytes of a batch's memory: TUNNEL_PACKETS of a usual size, or some of the largest. */
#define TUNNEL_BATCH_BYTES 262144

_Static_assert(TUNNEL_BATCH_BYTES % TUNNEL_ALIGN == 0, "a packet that fits also fits aligned");

struct batch {
  uint8_t *bytes;
  /* Bytes of each packet. `tunnel_send` replaces that of a packet that the kernel refused by the refusal. */
  int32_t *lengths;
};

struct tunnel {
  int fd;
  /* Name of the interface. */
  char name[IFNAMSIZ];
};

struct tunnel_facts {
  /* Bytes of the largest IP packet. */
  int mtu;
  bool is_up;
  /* True if the kernel has an IPv4 address on the interface. */
  bool has_address;
};

/*
 * Attaches to the interface of this name in the thread's network namespace, or creates it until
 * `tunnel_close`, which needs CAP_NET_ADMIN. Returns 0 or a refusal: EPERM without the right, EBUSY if another
 * process has the interface, EINVAL for the other kind of interface or a name that cannot be one.
 */
int tunnel_open(struct tunnel *tunnel, const char *name, bool is_tap);

/* Reads what the kernel has set on its end. Returns 0 or a refusal. */
int tunnel_facts(const struct tunnel *tunnel, struct tunnel_facts *facts);

/*
 * Receives the packets that wait, at most a batch. Returns their number, or a refusal if the interface can
 * bring no more: EBADFD if it was deleted.
 */
int tunnel_receive(const struct tunnel *tunnel, const struct batch *batch);

/*
 * Sends the first `count` packets of the batch, at most TUNNEL_PACKETS. Returns the number of packets that the
 * kernel refused, which are lost as on a wire.
 */
int tunnel_send(const struct tunnel *tunnel, const struct batch *batch, int count);

/* Returns 0 or a refusal; the descriptor is free in any case. */
int tunnel_close(struct tunnel *tunnel);

#endif
