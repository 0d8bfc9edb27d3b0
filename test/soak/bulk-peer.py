"""A foreign peer for long transfers: it sends or receives in pieces of random sizes, pauses at random, and prints the
SHA-256 of the bytes.

    bulk-peer.py send|receive connect|listen PORT SEED BYTES...

One connection for each of BYTES, one after the other. Lines on stdout: `listening on port N` (with `listen`, of which
the PORT is 0), and for each connection `BYTES SHA-256`.
"""

import hashlib
import random
import socket
import sys
import time

HOST = "127.0.0.1"
# Prime, so that lost or repeated bytes change everything that follows.
BLOCK_BYTES = 1_000_003
MAX_PIECE_BYTES = 1 << 18
# Bytes between two pauses, on average: they bound the number of pauses and with it the duration.
BYTES_BETWEEN_PAUSES = 1 << 20
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.001, 0.010
# Small, so that a pause of a few milliseconds fills it.
RECEIVE_BUFFER_BYTES = 1 << 17

way, role, port, seed, *lengths = sys.argv[1:]
chance = random.Random(int(seed))
block = chance.randbytes(BLOCK_BYTES) * 2


def piece_bytes():
    """Returns a size; each order of magnitude is as likely as the others."""
    return int(MAX_PIECE_BYTES ** chance.random())


def pause_at_random(done):
    if chance.random() < done / BYTES_BETWEEN_PAUSES:
        time.sleep(chance.uniform(SHORTEST_PAUSE_S, LONGEST_PAUSE_S))


def send(peer, length):
    digest, sent = hashlib.sha256(), 0
    while sent < length:
        start = sent % BLOCK_BYTES
        piece = memoryview(block)[start : start + min(piece_bytes(), length - sent)]
        peer.sendall(piece)
        digest.update(piece)
        sent += len(piece)
        pause_at_random(len(piece))
    return sent, digest


def receive(peer):
    digest, received = hashlib.sha256(), 0
    while data := peer.recv(piece_bytes()):
        digest.update(data)
        received += len(data)
        pause_at_random(len(data))
    return received, digest


def new_socket():
    sock = socket.socket()
    if way == "receive":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    return sock


listener = None
if role == "listen":
    listener = new_socket()
    listener.bind((HOST, int(port)))
    listener.listen()
    print("listening on port", listener.getsockname()[1], flush=True)

for length in lengths:
    if listener is not None:
        peer, _ = listener.accept()
    else:
        peer = new_socket()
        peer.connect((HOST, int(port)))
    with peer:
        done, digest = send(peer, int(length)) if way == "send" else receive(peer)
    print(done, digest.hexdigest(), flush=True)
