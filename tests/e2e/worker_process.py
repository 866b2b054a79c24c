# SPDX-License-Identifier: Apache-2.0
"""A worker in a process of its own, for tests that stop or kill it. Greets each connection with one line, then echoes.

The line is JSON: worker, id, flags, peer, source, destination, tlvs. "ready" on standard output once registered. With
--commands it does what lines on standard input say, each at a point where it has greeted all that it has received."""
import argparse
import contextlib
import json
import os
import selectors
import signal
import socket
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
    if done:
        say_done(worker)


def say_done(worker):
    """On any channel whose shard lives."""
    for channel in worker.channels:
        if channel.open and channel.generation == worker.generation:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                channel.socket.send(wire.message(wire.DONE, struct.pack("=Q", 1)))
                return


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


def command(worker, selector, word):
    kinds = {"pause": wire.PAUSE, "resume": wire.RESUME, "drain": wire.DRAIN}
    channels = [channel for channel in worker.channels if channel.open]
    try:
        if word in kinds and worker.registration:
            worker.draining = worker.draining or word == "drain"
            worker.say(kinds[word])
        elif word == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        elif word == "garbage_registration" and worker.registration:
            worker.registration.send(b"garbage!" * 4)
        elif word == "garbage" and channels:
            channels[0].socket.send(b"\xff" * 40)
        elif word == "shut_rd" and channels:
            channels[0].socket.shutdown(socket.SHUT_RD)
        elif word == "shut_wr" and channels:
            channels[0].socket.shutdown(socket.SHUT_WR)
        elif word == "close_channel" and channels:
            end_channel(selector, channels[0])
    except OSError:
        pass  # Usher was faster


def end_channel(selector, channel):
    forget(selector, channel.socket)
    channel.socket.close()
    channel.open = False


def commands(worker, selector):
    """False when nobody is there any more to give them."""
    data = os.read(0, 4096)
    for word in data.decode().split():
        command(worker, selector, word)
    return bool(data)


def end_when_drained(worker, selector):
    """All channels were read to their ends, so nothing is on its way."""
    if worker.draining and worker.registration and not any(channel.open for channel in worker.channels):
        forget(selector, worker.registration)
        worker.registration.close()
        worker.registration = None


def serve(worker, selector, options):
    worker.draining = False
    if options.commands:
        selector.register(0, selectors.EVENT_READ, "commands")
    while watch(worker, selector) or len(selector.get_map()) > options.commands:
        for key, _ in selector.select():
            if key.data == "commands":
                if not commands(worker, selector):
                    return
            elif key.data is not None:
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
        end_when_drained(worker, selector)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pool", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--capacity", type=int, default=0)
    parser.add_argument("--batch", type=int, default=wire.FDS_MAX)
    parser.add_argument("--done", action="store_true")
    parser.add_argument("--close", action="store_true", help="close each connection after its greeting")
    parser.add_argument("--commands", action="store_true", help="read them from standard input")
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
