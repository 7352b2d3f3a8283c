"""200,000 rows change while they are read, on a real PostgreSQL: after the next run and a night none is lost."""

import threading

import polars as pl
import pytest

from connectors import records
from connectors.source import ReadRequest
from pipelines.ops import open_ops
from tests.kit.landing import land_once, versions
from tests.kit.vendors import filled, opened, practice_on

pytestmark = pytest.mark.vendors

ROWS, PIECES = 200_000, 40

#: From two years ago to two years ahead: most of it outside the window that each run reads whole.
FILL = f"""
INSERT INTO gnuhealth_appointment (id, patient, healthprof, institution, speciality, state, appointment_date,
    appointment_date_end, create_date)
SELECT 1000 + n, 1, 1, 1, 40, 'confirmed', timestamp '2024-03-04' + n * interval '10 minutes',
    timestamp '2024-03-04' + n * interval '10 minutes' + interval '10 minutes', timestamp '2026-01-02 08:00'
FROM generate_series(1, {ROWS}) n"""


def piece(number):
    """One transaction of the other connection: every third row keeps its old stamp, the others get a later one."""
    size = ROWS // PIECES
    first = 1000 + number * size
    return (
        "UPDATE gnuhealth_appointment SET state = 'done', checked_in_date = appointment_date, write_date = CASE"
        f" WHEN id % 3 = 0 THEN write_date ELSE timestamp '2026-03-04 10:00' + {number} * interval '1 second' END"
        f" WHERE id > {first} AND id <= {first + size}"
    )


def standing(practice):
    """What stands in raw, newest version of each row, as a full reading would give it."""
    rows = versions(practice, "appointment").sort("run").unique("source_id", keep="last")
    return rows.filter(~pl.col("removed")).select(list(records.schema("appointment"))).sort("source_id")


def test_no_row_is_lost(postgres_server, tmp_path, monkeypatch, clock):
    server = filled(postgres_server, "gnuhealth")
    server.run(FILL)
    practice = practice_on(server, "gnuhealth", tmp_path, monkeypatch, clock)
    with open_ops(practice) as ops:
        assert land_once(practice, ops, scope="full").sources[0].new > ROWS
        begun = threading.Event()

        def change():
            for number in range(PIECES):
                server.run(piece(number))
                begun.set()

        other = threading.Thread(target=change)
        other.start()
        begun.wait()
        (meanwhile,) = land_once(practice, ops).sources
        other.join()
        assert 0 < meanwhile.changed < ROWS
        (after,) = land_once(practice, ops).sources
        with opened("gnuhealth", server.url) as source:
            truth = read_all(source)
        stamped = truth.filter(pl.col("changed_at") > pl.col("created_at"))
        assert stamped.height > ROWS // 2
        assert standing(practice).join(stamped, on="source_id", how="semi").equals(stamped)
        (night,) = land_once(practice, ops, scope="full").sources
        assert standing(practice).equals(truth)
    assert (meanwhile.state, after.state, night.state) == ("ok", "ok", "ok")
    assert meanwhile.changed + after.changed + night.changed >= ROWS
    assert night.late == night.changed > 0


def read_all(source):
    """A full reading in however many batches."""
    frames = [batch.frame for batch in source.read(ReadRequest("appointment", "full"))]
    return pl.concat(frames).sort("source_id")
