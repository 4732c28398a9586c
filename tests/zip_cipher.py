"""ZIP archives with the traditional cipher, which zipfile reads but cannot write."""

import io
import struct
import zlib


def encrypted(path, members, password, others=()):
    """A ZIP with the traditional cipher (APPNOTE.TXT 6.1), which zipfile reads but cannot write."""
    body, directory = io.BytesIO(), io.BytesIO()
    for name, data in members:
        crc = zlib.crc32(data)
        keys = [0x12345678, 0x23456789, 0x34567890]

        def update(byte, keys=keys):
            keys[0] = (keys[0] >> 8) ^ TABLE[(keys[0] ^ byte) & 255]
            keys[1] = ((keys[1] + (keys[0] & 255)) * 134775813 + 1) & 0xFFFFFFFF
            keys[2] = (keys[2] >> 8) ^ TABLE[(keys[2] ^ (keys[1] >> 24)) & 255]

        for byte in dict(others).get(name, password):
            update(byte)
        engine = zlib.compressobj(6, zlib.DEFLATED, -15)
        plain = bytes(range(11)) + bytes([crc >> 24]) + engine.compress(data) + engine.flush()
        cipher = bytearray()
        for byte in plain:
            half = (keys[2] | 2) & 0xFFFF
            cipher.append(byte ^ ((half * (half ^ 1) >> 8) & 255))
            update(byte)
        head = struct.pack(
            "<HHHHHIIIHH", 20, 1, 8, 0, 33, crc, len(cipher), len(data), len(name), 0
        )
        directory.write(b"PK\1\2" + struct.pack("<H", 20) + head
                        + struct.pack("<HHHII", 0, 0, 0, 0, body.tell()) + name)  # fmt: skip
        body.write(b"PK\3\4" + head + name + cipher)
    begin, size = body.tell(), directory.tell()
    end = struct.pack("<HHHHIIH", 0, 0, len(members), len(members), size, begin, 0)
    path.write_bytes(body.getvalue() + directory.getvalue() + b"PK\5\6" + end)
    return path


def _crc_table():
    for n in range(256):
        for _ in range(8):
            n = (n >> 1) ^ 0xEDB88320 if n & 1 else n >> 1
        yield n


TABLE = list(_crc_table())
