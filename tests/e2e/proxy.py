# SPDX-License-Identifier: Apache-2.0
"""PROXY headers as bytes, valid by default and wrong where a test asks. Refuses to parse anything."""
import ipaddress
import struct

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LOCAL, PROXY = 0, 1
ALPN, AUTHORITY, CRC32C, NOOP, UNIQUE_ID, SSL = 1, 2, 3, 4, 5, 0x20

SOURCE, SOURCE_PORT = "192.0.2.1", 40000
DESTINATION, DESTINATION_PORT = "198.51.100.1", 443


def _crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _crc_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def v1(source=SOURCE, port=SOURCE_PORT, destination=None, destination_port=DESTINATION_PORT):
    six = ":" in source
    destination = destination or ("2001:db8::ffff" if six else DESTINATION)
    return f"PROXY TCP{6 if six else 4} {source} {destination} {port} {destination_port}\r\n".encode()


def tlv(kind, value):
    return struct.pack("!BH", kind, len(value)) + value


def v2(source=SOURCE, port=SOURCE_PORT, destination=None, destination_port=DESTINATION_PORT, *, tlvs=(),
       crc=False, size=None, version=2, command=PROXY, family=None, block=None, length=None):
    """size: pad with one NOOP TLV up to that many bytes in all. block, length, family, …: say something else."""
    six = ":" in source
    if block is None:
        destination = destination or ("2001:db8::ffff" if six else DESTINATION)
        block = (ipaddress.ip_address(source).packed + ipaddress.ip_address(destination).packed
                 + struct.pack("!HH", port, destination_port))
    if family is None:
        family = 0x21 if six else 0x11
    area = b"".join(tlv(kind, value) for kind, value in tlvs)
    if size is not None:
        pad = size - 16 - len(block) - len(area) - (7 if crc else 0) - 3
        assert pad >= 0, "no room for the padding TLV"
        area += tlv(NOOP, bytes(pad))
    if crc:
        area = tlv(CRC32C, bytes(4)) + area
    length = len(block) + len(area) if length is None else length
    header = SIGNATURE + struct.pack("!BBH", version << 4 | command, family, length) + block + area
    if crc:
        at = 16 + len(block) + 3
        header = header[:at] + struct.pack("!I", crc32c(header)) + header[at + 4:]
    return header


def local(block=b"", family=0):
    return v2(command=LOCAL, family=family, block=block)


def tlvs(area):
    """The TLV area as [(type, value)]."""
    found = []
    while area:
        kind, length = struct.unpack_from("!BH", area)
        assert len(area) >= 3 + length, "TLV overruns its area"
        found.append((kind, area[3:3 + length]))
        area = area[3 + length:]
    return found
