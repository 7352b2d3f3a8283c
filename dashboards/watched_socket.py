"""A websocket outlives the cookie that opened it: this one is closed soon after its session has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from starlette.types import Message, Receive, Send
from streamlit.proto.BackMsg_pb2 import BackMsg

#: 1008 is "policy violation" (RFC 6455, section 7.4.1): the session ended, not the link.
SESSION_ENDED: Final = 1008


class WatchedSocket:
    """`receive` and `send` of a websocket whose session is looked at with each message and each `seconds`.

    `alive` is told whether the person did something just now (that puts off the idle limit) and answers whether the
    session lives. When it does not, the client gets 1008 and the page a disconnect.
    """

    def __init__(self, receive: Receive, send: Send, alive: Callable[[bool], Awaitable[bool]], seconds: float) -> None:
        self._receive = receive
        self._send = send
        self._alive = alive
        self._seconds = seconds
        self._next: asyncio.Task[Message] | None = None
        self._over = False

    async def receive(self) -> Message:
        """The client's next message, or a disconnect when the session ended first."""
        while not self._over:
            message = await self._within_seconds()
            if message is not None and message["type"] != "websocket.receive":
                return message
            if not await self._alive(message is not None and is_activity(message)):
                await self._close()
            elif message is not None:
                return message
        return {"type": "websocket.disconnect", "code": SESSION_ENDED}

    async def send(self, message: Message) -> None:
        """Pass a message on, unless the gate has closed the link."""
        if not self._over:
            await self._send(message)

    async def _within_seconds(self) -> Message | None:
        if self._next is None:
            self._next = asyncio.create_task(self._wait_for_message())
        try:
            done, _ = await asyncio.wait({self._next}, timeout=self._seconds)
        except asyncio.CancelledError:
            self._next.cancel()
            raise
        if not done:
            return None
        message, self._next = self._next.result(), None
        return message

    async def _wait_for_message(self) -> Message:
        return await self._receive()

    async def _close(self) -> None:
        self._over = True
        if self._next is not None:
            self._next.cancel()
        await self._send({"type": "websocket.close", "code": SESSION_ENDED})


def is_activity(message: Message) -> bool:
    """Whether a person caused this message. Heartbeats and the re-runs of a timer (`run_every`) are nobody's doing."""
    data = message.get("bytes")
    if not data:
        return False
    back_message = BackMsg()
    try:
        back_message.ParseFromString(data)
    except DecodeError:  # Streamlit closes the link over it
        return False
    return back_message.WhichOneof("type") == "rerun_script" and not back_message.rerun_script.is_auto_rerun
