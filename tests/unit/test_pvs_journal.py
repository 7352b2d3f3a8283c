"""The journal of a run: statements, rows, and how long the practice's server was busy with us."""

import pytest

from connectors.errors import BadAnswer, OverBudget
from connectors.intake import take_in
from connectors.pvs.journal import LINK, Journal
from connectors.pvs.watchdog import Deadline
from connectors.source import Asked, ReadRequest
from tests.kit.demo_pvs import made, opened


def test_only_what_we_wait_for_is_the_servers_time():
    now = [0.0]
    journal = Journal(clock=lambda: now[0])
    with journal.about("patient"):
        journal.statement()
        now[0] = 1.5
        journal.pause()
        now[0] = 60.0  # our own work
        journal.resume()
        journal.rows(3, "x")
        now[0] = 62.0
    now[0] = 99.0
    with journal.about(LINK):
        journal.statement(2)
    assert journal.entries() == (Asked("patient", 1, 3, 3500), Asked(LINK, 2, 0, 0))


def test_a_record_within_another_counts_for_itself():
    journal = Journal(clock=lambda: 0.0)
    with journal.about("patient"):
        with journal.about("visit"):
            journal.statement()
        journal.statement()
    assert [(one.resource, one.statements) for one in journal.entries()] == [("visit", 1), ("patient", 1)]


@pytest.mark.parametrize(("budget", "stops"), [(None, False), (5, False), (4, True)])
def test_the_budget_is_for_the_run_not_for_a_record(budget, stops):
    journal = Journal(budget)
    with journal.about("patient"):
        journal.rows(3, "a")
    with journal.about("visit"):
        if not stops:
            journal.rows(2, "b")
            return
        with pytest.raises(OverBudget, match="b: found 5 rows in this run, expected at most 4"):
            journal.rows(2, "b")


def test_a_source_tells_what_it_was_asked(tmp_path):
    with opened(made(tmp_path / "pvs.db")) as source:
        for resource in ("patient", "appointment"):
            list(source.read(ReadRequest(resource, "full")))
        found = {one.resource: one for one in source.journal()}
    assert (found["patient"].rows, found["appointment"].rows) == (3, 4)
    assert found["patient"].statements == 3  # the version guard, the mark, the rows
    assert found["appointment"].statements == 2


def test_what_is_made_of_the_rows_is_not_the_servers_time(tmp_path, monkeypatch):
    now = [0.0]

    def slowly(*given, **named):
        now[0] += 100.0
        return take_in(*given, **named)

    monkeypatch.setattr("connectors.pvs.source.take_in", slowly)
    with opened(made(tmp_path / "pvs.db")) as source:
        source._journal.clock = lambda: now[0]
        for _ in source.read(ReadRequest("patient", "full")):
            now[0] += 100.0  # whoever asked takes his time too
        assert now[0] >= 200.0
        assert [one.milliseconds for one in source.journal()] == [0]


def test_a_source_over_its_budget_stops_that_record(tmp_path):
    with opened(made(tmp_path / "pvs.db"), row_budget=4) as source:
        assert sum(batch.read for batch in source.read(ReadRequest("patient", "full"))) == 3
        with pytest.raises(BadAnswer, match=r"demo.toml: \[appointment\]: found 7 rows"):
            list(source.read(ReadRequest("appointment", "full")))


def test_a_database_is_not_blamed_for_our_own_work(tmp_path):
    now = [0.0]
    path = made(tmp_path / "pvs.db")
    deadline = Deadline(idle=10, total=10_000, clock=lambda: now[0])
    with opened(path, deadline=deadline) as source:
        batches = source.read(ReadRequest("patient", "full"))
        assert next(batches).last
        now[0] = 1_000.0  # somebody takes his time with it
        assert not deadline.expired()
        assert list(batches) == []
