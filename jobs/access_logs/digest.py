"""Identity by content: a hash tree over 64 KiB blocks of unpacked bytes.

Renaming and compressing change nothing, blocks can be hashed in parallel, and the digest of any beginning of
a content follows from its whole blocks and one partial block: a file that has grown is told from a new one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

BLOCK_BYTES = 65_536
LEAF_BYTES = 32


def root(leaves: bytes | bytearray, size_bytes: int) -> str:
    """Give the content digest (hex) of size_bytes bytes whose blocks have these SHA-256 leaves, in order."""
    return hashlib.sha256(b"playerpath-tree-1" + size_bytes.to_bytes(8, "big") + bytes(leaves)).hexdigest()


class TreeDigest:
    """Hash a content that arrives in pieces; note its digest at given sizes on the way.

    ``marks`` are sizes (bytes) at which the digest of the beginning is wanted: the sizes of claimed objects
    that start with the same line.
    """

    def __init__(self, marks: Iterable[int] = ()) -> None:
        self._leaves = bytearray()
        self._partial = hashlib.sha256()
        self._partial_bytes = 0
        self._marks = sorted(set(marks), reverse=True)
        self.size_bytes = 0
        self.digest_at: dict[int, str] = {}

    def update(self, data: bytes | memoryview) -> None:
        """Add the next bytes."""
        view = memoryview(data)
        while len(view):
            take = min(len(view), BLOCK_BYTES - self._partial_bytes)
            if self._marks and self._marks[-1] < self.size_bytes + take:
                take = max(self._marks[-1] - self.size_bytes, 0)
            self._partial.update(view[:take])
            self._partial_bytes += take
            self.size_bytes += take
            view = view[take:]
            if self._partial_bytes == BLOCK_BYTES:
                self._leaves += self._partial.digest()
                self._partial, self._partial_bytes = hashlib.sha256(), 0
            if self._marks and self._marks[-1] == self.size_bytes:
                self.digest_at[self._marks.pop()] = self.hexdigest()

    def hexdigest(self) -> str:
        """Give the digest of all bytes so far."""
        tail = self._partial.digest() if self._partial_bytes else b""
        return root(bytes(self._leaves) + tail, self.size_bytes)
