"""The watchdog: a link on which nothing moves is broken off, and only such a one."""

import socket
import threading

import pytest

from connectors.pvs.watchdog import Deadline, SocketWatch, Watch


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_a_socket_on_which_nothing_comes_is_shut(pair):
    ours, _ = pair
    deadline = Deadline(idle=0.1, total=60)
    watch = SocketWatch(deadline, ours.fileno())
    assert ours.recv(1) == b""  # would wait for ever
    assert deadline.broken
    watch.end()


def test_a_socket_is_left_alone_after_the_end(pair):
    ours, theirs = pair
    deadline = Deadline(idle=0.05, total=60)
    SocketWatch(deadline, ours.fileno()).end()
    theirs.sendall(b"a")
    assert ours.recv(1) == b"a"
    assert not deadline.broken


def test_it_breaks_again_what_was_not_there_yet():
    times = threading.Semaphore(0)
    watch = Watch(Deadline(idle=0.01, total=60), times.release)
    assert all(times.acquire(timeout=5) for _ in range(3))
    watch.end()


def test_who_is_busy_with_rows_does_not_wait_for_the_database():
    now = [0.0]
    deadline = Deadline(idle=10, total=100, clock=lambda: now[0])
    deadline.rest()
    now[0] = 50
    assert not deadline.give_up()
    deadline.moved()
    assert not deadline.give_up()
    now[0] = 61
    assert deadline.give_up()
    assert deadline.broken
    deadline.start()
    assert not deadline.broken


def test_the_whole_has_an_end_even_if_something_always_moves():
    now = [0.0]
    deadline = Deadline(idle=10, total=25, clock=lambda: now[0])
    for second in (8, 16, 24):
        now[0] = second
        deadline.moved()
        assert deadline.remaining() == pytest.approx(min(10, 25 - second))
    now[0] = 26
    assert deadline.expired()
