"""Connections that no client can hold open: uvicorn waits for ever for the rest of a request, or for its reader."""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

# A process has some 1,000 file descriptors.
MOST_CONNECTIONS = 512
# For a whole request, from its first byte or from the connection on; and to read what is more than 64 KB of an answer.
SECONDS_FOR_CLIENT = 10.0


class Connection(H11Protocol):
    """Cut off where its client keeps the server waiting, or where it waits longest and there are too many."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait for the request."""
        super().connection_made(transport)
        self._watch()
        if len(self.connections) > MOST_CONNECTIONS:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the waiting."""
        super().connection_lost(exc)
        self._wait(False)

    def data_received(self, data: bytes) -> None:
        """A part of a request."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Another request may have begun in the same bytes."""
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        """The client does not read."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """The client reads."""
        super().resume_writing()
        self._watch()

    def timeout_keep_alive_handler(self) -> None:
        """Uvicorn's end of an idle connection would wait until all that was written is read."""
        super().timeout_keep_alive_handler()
        self._wait(True)

    def _watch(self) -> None:
        is_asking = self.timeout_keep_alive_task is None and self.conn.their_state in (h11.IDLE, h11.SEND_BODY)
        # One that is closed stays until its last answer is read.
        self._wait(is_asking or self.flow.write_paused or self.transport.is_closing())

    def _wait(self, is_waiting: bool) -> None:
        if is_waiting and self._deadline is None:
            self._deadline = self.loop.call_later(SECONDS_FOR_CLIENT, self.transport.abort)
        elif not is_waiting and self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _make_room(self) -> None:
        """Cut off the one that has kept the server waiting longest; where none has, the one that is idle longest."""
        ends = ((other, other._deadline or other.timeout_keep_alive_task) for other in self._others())
        waiting = [(other._deadline is None, end.when(), id(other), other) for other, end in ends if end is not None]
        if waiting:
            *_, oldest = min(waiting)
            self.connections.discard(oldest)
            oldest.transport.abort()

    def _others(self) -> "list[Connection]":
        return [other for other in self.connections if isinstance(other, Connection) and other is not self]
