"""The page check against the library that wrote the pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.keys import Key
from pipelines.ops import pages
from tests.kit.ops_db import KEY, fresh_ops


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with fresh_ops(tmp_path) as o:
        return o.path


def test_every_page_verifies_under_its_key_and_none_under_another(path: Path) -> None:
    right, wrong = pages.look(path, KEY.hex), pages.look(path, Key.random().hex)
    assert (right.broken, right.good) == ((), right.total)
    assert wrong.good == 0


@pytest.mark.parametrize("offset", [0, 16, 100, 4015, 4016, 4031, 4032, 4095])
@pytest.mark.parametrize("page", [1, 2, 30])
def test_one_flipped_bit_breaks_its_page_alone(path: Path, page: int, offset: int) -> None:
    content = bytearray(path.read_bytes())
    content[(page - 1) * pages.PAGE + offset] ^= 0x10
    path.write_bytes(content)
    found = pages.look(path, KEY.hex)
    # The first 16 bytes are the salt: without it no page can be checked.
    expected = tuple(range(1, found.total + 1)) if (page, offset) == (1, 0) else (page,)
    assert found.broken == expected


def test_many_broken_pages_are_told_briefly() -> None:
    state = pages.PageState(4096 * 9, False, 9, (1, 2, 3, 4, 5, 6, 7))
    assert state.broken_text == "page 1, 2, 3, 4, 5 and 2 more of 9 was changed after it was written"
