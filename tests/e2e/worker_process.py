# SPDX-License-Identifier: Apache-2.0
"""A worker in a process of its own, for tests that stop or kill it. Greets each connection with one line, then echoes.

The line is JSON: worker, id, flags, peer, source, destination, tlvs. "ready" on standard output once registered."""
import argparse
import json
import os
import selectors
import signal
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import wire  # noqa: E402


def greeting(name, c):
    return json.dumps({"worker": name, "id": c.id, "flags": c.flags, "peer": c.peer, "source": c.source,
                       "destination": c.destination,
                       "tlvs": [[kind, value.hex()] for kind, value in c.tlvs]}).encode() + b"\n"


def finish(worker, selector, connection, done):
    selector.unregister(connection.socket)
    connection.close()
    if done and connection.channel.open:
        connection.channel.socket.send(wire.message(wire.DONE, struct.pack("=Q", 1)))


def echo(worker, selector, connection, done):
    try:
        data = connection.socket.recv(1 << 16)
        if data:
            connection.socket.sendall(data)
    except OSError:
        data = b""
    if not data:
        finish(worker, selector, connection, done)


def forget(selector, sock):
    """One that ends before it was ever watched is not known."""
    if sock in {key.fileobj for key in selector.get_map().values()}:
        selector.unregister(sock)


def watch(worker, selector):
    """Adds the worker's sockets that are new; it takes out itself what it closes. False if it has none left."""
    known = {key.fileobj for key in selector.get_map().values() if key.data is None}
    for sock in worker.sockets():
        if sock not in known:
            selector.register(sock, selectors.EVENT_READ)
    return bool(worker.sockets())


def serve(worker, selector, options):
    while watch(worker, selector) or selector.get_map():
        for key, _ in selector.select():
            if key.data is not None:
                echo(worker, selector, key.data, options.done)
        worker.step()
        waiting, worker.waiting = worker.waiting, []
        for connection in waiting:
            connection.socket.setblocking(True)
            try:
                connection.socket.sendall(greeting(options.name, connection))
            except OSError:
                pass
            if options.close:
                connection.close()
                continue
            selector.register(connection.socket, selectors.EVENT_READ, connection)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pool", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--capacity", type=int, default=0)
    parser.add_argument("--batch", type=int, default=wire.FDS_MAX)
    parser.add_argument("--done", action="store_true")
    parser.add_argument("--close", action="store_true", help="close each connection after its greeting")
    parser.add_argument("--child", action="store_true", help="start a child that inherits every socket and lives on")
    options = parser.parse_args()
    selector = selectors.DefaultSelector()
    worker = wire.Worker(options.pool, options.name, capacity=options.capacity, batch=options.batch,
                         done=options.done, before_close=lambda sock: forget(selector, sock))
    if options.child:
        child = os.fork()
        if child == 0:
            os.closerange(0, 3)
            signal.pause()
        with open(f"{options.pool}.child", "w", encoding="ascii") as file:
            file.write(str(child))
    print("ready", flush=True)
    serve(worker, selector, options)


if __name__ == "__main__":
    main()
