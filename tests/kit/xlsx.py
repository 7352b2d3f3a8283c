"""The smallest XLSX workbook that Excel would call one, so that no test needs a library that writes them."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Sequence
from xml.sax.saxutils import escape

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS = {
    "[Content_Types].xml": (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/></Types>'
    ),
    "_rels/.rels": (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r1" Type="{_LINKS}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_LINKS}"><sheets><sheet name="Termine" sheetId="1" r:id="r1"/></sheets>'
        "</workbook>"
    ),
    "xl/_rels/workbook.xml.rels": (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r1" Type="{_LINKS}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="r2" Type="{_LINKS}/styles" Target="styles.xml"/></Relationships>'
    ),
    # cell formats: 1 a date, 2 a time, 3 both
    "xl/styles.xml": (
        f'<styleSheet xmlns="{_MAIN}"><cellXfs count="4"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="20"/>'
        '<xf numFmtId="22"/></cellXfs></styleSheet>'
    ),
}
_FIRST_DAY = dt.datetime(1899, 12, 30)  # noqa: DTZ001 (a worksheet knows no zones)

Cell = str | int | float | dt.date | dt.time | None


def workbook(rows: Sequence[Sequence[Cell]]) -> bytes:
    """A workbook with one sheet `Termine`; dates and times as Excel keeps them, as formatted numbers."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in _PARTS.items():
            archive.writestr(name, text)
        lines = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in rows)
        archive.writestr(
            "xl/worksheets/sheet1.xml", f'<worksheet xmlns="{_MAIN}"><sheetData>{lines}</sheetData></worksheet>'
        )
    return content.getvalue()


def _cell(value: Cell) -> str:
    if value is None:
        return "<c/>"
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    if isinstance(value, dt.time):
        return f'<c s="2"><v>{(value.hour * 60 + value.minute) / 1440}</v></c>'
    if isinstance(value, dt.datetime):
        return f'<c s="3"><v>{(value - _FIRST_DAY) / dt.timedelta(days=1)}</v></c>'
    if isinstance(value, dt.date):
        return f'<c s="1"><v>{(value - _FIRST_DAY.date()).days}</v></c>'
    return f"<c><v>{value}</v></c>"
