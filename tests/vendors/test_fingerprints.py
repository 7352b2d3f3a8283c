"""Each shipped profile names every table and column that it reads, with the type that it has in the vendor's tables."""

import pytest
import sqlalchemy as sa

from connectors.pvs import fingerprint, profile
from tests.kit.vendors import described, filled

pytestmark = pytest.mark.engine

SYSTEMS = {"postgresql": "postgres_server", "mysql": "mariadb_server"}
VENDORS = [name for name in profile.names() if described(name).dialect in SYSTEMS]


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_fingerprint_is_complete_and_true(request, vendor):
    known = described(vendor)
    server = filled(request.getfixturevalue(SYSTEMS[known.dialect]), vendor)
    with server.engine() as engine, engine.connect() as connection:
        catalogue = sa.inspect(connection)
        tables = [*catalogue.get_table_names(), *(f"aps.{table}" for table in _of_schema(catalogue, "aps"))]
        found = fingerprint.of_profile(connection, known, tables)
    assert {table: columns for table, columns in found.items() if columns} == known.fingerprint
    assert all(fingerprint.of_record(record, known.fingerprint) for record in known.tables.values())


def _of_schema(catalogue, schema):
    return catalogue.get_table_names(schema=schema) if schema in catalogue.get_schema_names() else []
