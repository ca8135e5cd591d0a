"""What tests know of the S3 on this machine, and a line to it that breaks."""

import socket
import struct
import threading
import time
from contextlib import suppress

BUCKET = "playlists"
KEY, SECRET = "key-of-the-environment", "secret-of-the-environment"
_RESET = struct.pack("ii", 1, 0)


def forget_connections() -> None:
    """What the environment says is read again."""
    import s3fs

    from rec_assets.store.s3 import S3Files

    for files in (s3fs.S3FileSystem, S3Files):
        files.clear_instance_cache()


def objects(base: str, endpoint: str | None = None) -> dict[str, bytes]:
    """All objects below ``base``, by the server's ``endpoint`` or that of the environment."""
    import s3fs

    files = s3fs.S3FileSystem(endpoint_url=endpoint, use_listings_cache=False)
    root = base.removeprefix("s3://") + "/"
    return {path.removeprefix(root): files.cat_file(path) for path in files.find(root)}


class Line:
    """TCP to ``port`` of this machine, which can be broken; ``connections`` counts what came through it.

    Attributes:
        left: bytes, up and down, after which everything is cut off; None = never.
        dead: connections that are cut off at once: those that come next.
        pause: seconds of silence before anything that the server says is passed on.
    """

    def __init__(self, port: int) -> None:
        self.left: int | None = None
        self.pause, self.dead, self.connections = 0.0, 0, 0
        self._port, self._open = port, []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                server = socket.create_connection(("127.0.0.1", self._port))
                self._open += [client, server]
                if self.dead:
                    self.dead -= 1
                    self.cut()
                for one, other in ((client, server), (server, client)):
                    threading.Thread(target=self._pass_on, args=[one, other, one is server], daemon=True).start()

    def _pass_on(self, one: socket.socket, other: socket.socket, is_answer: bool) -> None:
        with suppress(OSError):
            while block := one.recv(65_536):
                time.sleep(self.pause * is_answer)
                if self.left is not None:
                    block, self.left = block[: self.left], self.left - len(block)
                other.sendall(block)
                if self.left is not None and self.left <= 0:
                    self.left = None
                    self.cut()
            other.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        """End every connection, as a cable does that is pulled."""
        while self._open:
            broken = self._open.pop()
            with suppress(OSError):
                broken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                broken.shutdown(socket.SHUT_RDWR)
            broken.close()

    def close(self) -> None:
        self._listener.close()
        self.cut()
