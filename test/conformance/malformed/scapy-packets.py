"""Prints malformed packets in hexadecimal, one a line: scapy's fuzz() over layers of a connection.

Arguments: the number of packets, the seed, the addresses and ports of both sides, the next sequence numbers.
"""

import random
import sys

from scapy.all import ICMP, IP, TCP, UDP, Raw, fuzz

COUNT, SEED, SOURCE, DESTINATION, SPORT, DPORT, SEQ, ACK = sys.argv[1:9]

random.seed(int(SEED))
ip = IP(src=SOURCE, dst=DESTINATION, id=1, flags=0)
tcp = TCP(sport=int(SPORT), dport=int(DPORT), seq=int(SEQ), ack=int(ACK))
makers = [
    lambda: ip / fuzz(TCP(sport=int(SPORT), dport=int(DPORT))),
    lambda: ip / fuzz(TCP(sport=int(SPORT), dport=int(DPORT), seq=int(SEQ), ack=int(ACK))) / Raw(b"x" * 30),
    lambda: ip / TCP(sport=int(SPORT), dport=int(DPORT), flags=random.randrange(512), seq=int(SEQ)),
    lambda: fuzz(IP(src=SOURCE, dst=DESTINATION)) / tcp,
    lambda: ip / fuzz(ICMP()) / ip / tcp,
    lambda: ip / fuzz(UDP()) / Raw(b"y" * 20),
    lambda: IP(src=SOURCE, dst=DESTINATION, flags=1, frag=random.randrange(8191)) / tcp / Raw(b"z" * 40),
    lambda: IP(src=SOURCE, dst=DESTINATION, options=[(random.randrange(256), b"ab")]) / tcp,
    lambda: ip / TCP(sport=int(SPORT), dport=int(DPORT), dataofs=random.randrange(16), seq=int(SEQ)),
    lambda: ip / TCP(options=[(random.randrange(256), bytes([random.randrange(256)] * random.randrange(9)))]),
    lambda: ip / TCP(sport=int(SPORT), dport=int(DPORT), urgptr=random.randrange(65536), flags="UA"),
    lambda: IP(src=random.choice(["0.0.0.0", "255.255.255.255", "224.0.0.1", DESTINATION, "127.0.0.1"]),
               dst=DESTINATION) / TCP(flags="S", dport=int(DPORT)),
]
printed = 0
while printed < int(COUNT):
    try:
        print(bytes(random.choice(makers)()).hex())
        printed += 1
    except Exception:  # scapy cannot build some of what its own fuzz() has drawn
        continue
