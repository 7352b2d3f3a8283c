"""A process that decides is killed, at every point of a decision and at any moment; nothing confirmed is lost.

The child prints each decision that `decide` confirmed; the parent is the judge.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from pipelines import ops
from pipelines.ops import audit, decisions, integrity, ledger
from pipelines.ops.models import Decision, DecisionSubject, Link
from tests.kit.ops_db import KEY, fresh_ops, records
from tests.kit.practices import NOON

pytestmark = pytest.mark.faults

ROOT = Path(__file__).resolve().parents[2]
CHECKPOINTS = ("decision.written", "decision.changed", "decision.audited", "decision.committed")
CHILD = """
import os, signal, sys
from pathlib import Path
from pipelines import ops
from pipelines.files import checkpoints
from pipelines.keys import Key
from pipelines.ops import decisions, ledger
from tests.kit.practices import NOON

path, key, prefix, stop_at, stop_after = sys.argv[1:]
passed = 0

def stop(name):
    global passed
    passed += name == stop_at
    if passed > int(stop_after):
        os.kill(os.getpid(), signal.SIGKILL)

checkpoints.on_checkpoint = stop
o = ops.open_path(Path(path), Key(key), keep_connection=True)
for at in range(100_000):
    subject = f"{prefix}-{at}"
    def split(session, number):
        entity = ledger.new_entity(session, "person", number=number, now=NOON)
        ledger.move(session, "person", "pvs", "1", entity, rule="review", number=number, now=NOON, decision=number)
    decisions.decide(o, kind="match", verdict="split", actor="b", subjects=[subject], now=NOON, change=split)
    print(subject, flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with fresh_ops(tmp_path) as o:
        ledger.ensure(o, "person", records("1"), NOON)
        return o.path


def confirmed(
    path: Path, prefix: str, stop_at: str, stop_after: int, *, kill_after: int | None = None
) -> Iterator[str]:
    """What a child says it decided, until it dies; with `kill_after` we kill it after so many lines."""
    arguments = [sys.executable, "-c", CHILD, str(path), KEY.hex, prefix, stop_at, str(stop_after)]
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for count, line in enumerate(child.stdout, start=1):
            yield line.strip()
            if count == kill_after:
                child.kill()
    assert child.returncode < 0, "the child was to be killed"


def judge(path: Path, acknowledged: list[str]) -> None:
    with ops.open_path(path, KEY) as o:
        assert integrity.problems(o) == ()
        with o.reading() as session:
            kept = Counter(session.scalars(select(DecisionSubject.subject)))
            made = set(session.scalars(select(Decision.number)))
            changed = Counter(session.scalars(select(Link.decision).where(Link.decision.is_not(None))))
        logged = Counter(entry.detail["decision"] for entry in audit.entries(o, limit=100_000))
        assert [one for one in acknowledged if kept[one] != 1] == [], "lost or doubled"
        assert set(kept.values()) <= {1}
        assert changed == logged == Counter(dict.fromkeys(made, 1)), "a decision without its change or its audit entry"
        assert ledger.links(o).height == 1
        assert len(decisions.last_decisions(o, 100_000)) == len(made)


def test_killed_at_every_point_of_a_decision(path: Path) -> None:
    acknowledged: list[str] = []
    for name in CHECKPOINTS:
        acknowledged += confirmed(path, name, name, 30)
        judge(path, acknowledged)
    assert len(acknowledged) == 120


def test_killed_at_any_moment(path: Path) -> None:
    acknowledged: list[str] = []
    chance = random.Random(20260304)
    while len(acknowledged) < 200:
        prefix = f"life {len(acknowledged)}"
        acknowledged += confirmed(path, prefix, "never", 0, kill_after=chance.randint(15, 45))
    judge(path, acknowledged)


def test_killed_while_the_file_is_made(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom pipelines.keys import Key\n"
        "from pipelines.ops import database, schema\n"
        "made = schema.create\n"
        "def killed(engine):\n    made(engine)\n    os.kill(os.getpid(), signal.SIGKILL)\n"
        "schema.create = killed\n"
        "database.create(Path(sys.argv[1]), Key(sys.argv[2]))\n"
    )
    path = tmp_path / "ops.db"
    died = subprocess.run([sys.executable, "-c", script, str(path), KEY.hex], cwd=ROOT, check=False)
    assert died.returncode < 0
    assert not path.exists()
    ops.create(path, KEY)
    with ops.open_path(path, KEY) as o:
        assert integrity.problems(o) == ()
