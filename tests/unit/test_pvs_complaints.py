"""What drivers complain of, and what we make of it; the tables are the databases' own numbers and words."""

import traceback

import pytest
import sqlalchemy as sa

from connectors.errors import (
    BadAnswer,
    ConnectorError,
    SchemaMismatch,
    SourceAway,
    SourceBusy,
    SourceRefused,
    SourceStalled,
)
from connectors.pvs import driver_process
from connectors.pvs.complaints import speaking
from connectors.pvs.watchdog import Deadline


class Postgres(Exception):
    """As psycopg's errors: a state beside the words."""

    def __init__(self, sqlstate, text):
        super().__init__(text)
        self.sqlstate = sqlstate


def raised(error, deadline=None):
    with pytest.raises(ConnectorError) as caught, speaking("x.toml: [patient]", deadline):
        raise error if isinstance(error, driver_process.Error) else sa.exc.DBAPIError("SELECT geheim", {}, error)
    return caught.value


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Postgres("42P01", "FEHLER:  Relation »pat« existiert nicht"), SchemaMismatch),
        (Postgres("42703", "column p.nme does not exist"), SchemaMismatch),
        (Postgres("57014", "storniere Anfrage wegen Zeitüberschreitung der Anfrage"), SourceStalled),
        (Postgres("55P03", "Sperre konnte nicht gesetzt werden"), SourceBusy),
        (Postgres("40P01", "Verklemmung entdeckt"), SourceBusy),
        (Postgres("42501", "keine Berechtigung für Tabelle pat"), SourceRefused),
        (Postgres("25006", "kann INSERT nicht ausführen"), SourceRefused),
        (Postgres("28P01", "Passwort-Authentifizierung fehlgeschlagen"), SourceRefused),
        (Postgres(None, "FATAL:  Passwort-Authentifizierung für Benutzer »x« fehlgeschlagen"), SourceRefused),
        (Postgres("57P01", "beende Verbindung aufgrund von Anweisung des Administrators"), SourceAway),
        (Postgres("53300", "es sind bereits zu viele Clients"), SourceAway),
        (Exception(1146, "Table 'pvs.pat' doesn't exist"), SchemaMismatch),
        (Exception(1969, "Query execution was interrupted"), SourceStalled),
        (Exception(3024, "maximum statement execution time exceeded"), SourceStalled),
        (Exception(1205, "Lock wait timeout exceeded"), SourceBusy),
        (Exception(1045, "Access denied for user"), SourceRefused),
        (Exception(1792, "Cannot execute statement in a READ ONLY transaction"), SourceRefused),
        (Exception(2013, "Lost connection"), SourceAway),
        (driver_process.Error("[42S02] Table 'pat' doesn't exist (1146) (SQLExecDirectW)", "42S02"), SchemaMismatch),
        (driver_process.Error("[70100] [ma] (1969) (SQLFetch)", "HY000"), SourceStalled),
        (driver_process.Error("the driver's process ended", "08S01"), SourceAway),
        (driver_process.Error("Lock request time out period exceeded. (1222) (SQLExecDirectW)", "42000"), SourceBusy),
        (driver_process.Error("Login failed for user 'x'. (18456) (SQLDriverConnect)", "28000"), SourceRefused),
        (driver_process.Error("Invalid object name 'pat'. (208) (SQLExecDirectW)", "42S02"), SchemaMismatch),
        (Exception("file is not a database"), BadAnswer),
        (Exception("something that nobody has heard of"), BadAnswer),
    ],
)  # fmt: skip
def test_a_complaint_becomes_one_of_ours(error, kind):
    assert type(raised(error)) is kind


def test_what_the_driver_quotes_is_neither_told_nor_chained():
    error = raised(Postgres("22P02", "invalid input syntax for type integer: \"Müller\"\nLINE 1: SELECT 'Müller'"))
    assert isinstance(error, BadAnswer)
    told = "".join(traceback.format_exception(error))
    assert "Müller" not in told
    assert "geheim" not in told
    assert str(error) == "x.toml: [patient]: the database reports Postgres 22P02"


def test_only_the_first_line_names_what_is_not_there():
    error = raised(Postgres("42703", "column p.nme does not exist\nLINE 1: SELECT p.nme WHERE nr = '4711'"))
    assert str(error).endswith("(column p.nme does not exist)")


def test_a_link_that_was_broken_off_has_stalled_whatever_its_driver_says():
    now = [0.0]
    deadline = Deadline(idle=1, total=9, clock=lambda: now[0])
    now[0] = 2.0
    assert deadline.give_up()
    assert type(raised(Exception(2013, "Lost connection"), deadline)) is SourceStalled


def test_what_is_no_drivers_complaint_passes():
    with pytest.raises(KeyError), speaking("x"):
        raise KeyError("a")
