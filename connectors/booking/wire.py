"""The transport under `http.py`: one deadline over every wait of a request, from the connect to the last byte.

httpx counts its timeouts per operation, so a peer that sends one byte now and then is never late. Here each operation
gets what is left of the request's own time, whether it connects, speaks TLS, reads headers or the body. Only the
look-up of a host name is left to the operating system's limits.
"""

from __future__ import annotations

import ssl
import time
import typing
from collections.abc import Callable, Iterable, Iterator

import httpcore
import httpx

Clock = Callable[[], float]


class Deadline:
    """Seconds left for the request under way. Not for use by two threads at once."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._end = float("inf")

    def start(self, seconds: float) -> None:
        """Begin a new request that may take `seconds` in all."""
        self._end = self._clock() + seconds

    def left(self) -> float:
        """Seconds left; raises httpcore.ReadTimeout when there are none."""
        left = self._end - self._clock()
        if left <= 0:
            raise httpcore.ReadTimeout("the request's time is over")
        return left


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 (ours replaces it)
        return self._stream.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._stream.write(buffer, self._deadline.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, self._deadline.left()), self._deadline)

    def get_extra_info(self, info: str) -> typing.Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, deadline: Deadline) -> None:
        self._backend = httpcore.SyncBackend()
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        left = self._deadline.left()
        return _Stream(self._backend.connect_tcp(host, port, left, local_address, socket_options), self._deadline)


class _Body(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


class DeadlineTransport(httpx.BaseTransport):
    """Sends over HTTP/1.1 under a `Deadline`, with TLS as `context` has it; raises httpcore's errors as they are."""

    def __init__(self, deadline: Deadline, context: ssl.SSLContext | None, proxy: str | None = None) -> None:
        backend = _Backend(deadline)
        self._pool: httpcore.ConnectionPool = (
            httpcore.ConnectionPool(ssl_context=context, network_backend=backend)
            if proxy is None
            else httpcore.HTTPProxy(proxy, ssl_context=context, network_backend=backend)
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request, one answer whose body is still to be read."""
        answer = self._pool.handle_request(
            httpcore.Request(
                request.method,
                httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.content,
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer))

    def close(self) -> None:
        """Give all connections back."""
        self._pool.close()
