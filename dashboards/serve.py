"""Starts the pages of one practice: Streamlit as an ASGI application behind the gate, until the process is ended.

`st.App` ignores the STREAMLIT_* variables, and an option that is set before `run` is lost: every option that matters is
handed to `run` (left alone it would send usage data and listen on all interfaces). A test reads each back.
"""

from __future__ import annotations

import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import streamlit as st
from starlette.middleware import Middleware
from starlette.types import ASGIApp
from streamlit import config

from dashboards import data, doors
from dashboards.doorkeeper import House
from dashboards.gate import Gate
from dashboards.practice_door import PracticeDoor
from dashboards.viewer import TRUSTED_HEADERS
from pipelines.ops.database import open_ops
from pipelines.practice import Practice
from pipelines.settings import Serve

SCRIPT: Final = Path(__file__).with_name("app.py")
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class InsecureAddressError(ValueError):
    """The pages were to be reachable beyond this machine without a certificate, or with one that cannot be used."""


def serve(
    practice: Practice,
    *,
    port: int | None = None,
    with_dagster: bool = False,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the practice's pages until the process is asked to end (Ctrl-C).

    :param port: None for the one of practice.toml, 0 for any free one.
    :param on_ready: told the address ("http://127.0.0.1:8501") once the pages answer.
    :raises InsecureAddressError: a host beyond this machine without a certificate.
    """
    settings = practice.settings.serve
    options = options_of(settings, settings.port if port is None else port)
    no_core_dumps()
    house = House(practice.id, practice.settings.name, hosts_of(settings), settings.certificate is not None)
    with open_ops(practice) as ops:
        door = PracticeDoor(practice, ops)
        data.serve_from(practice, ops, door.sign_out_viewer, orchestration=with_dagster)
        gate = Middleware(Gate, house, door, _dagster() if with_dagster else None)
        app = st.App(SCRIPT, middleware=[gate], lifespan=_announcing(house, settings, on_ready))
        app.run(config=options)


def one_time_address(base: str, token: str) -> str:
    """The address that redeems a one-time link, below the address that `on_ready` was told."""
    return f"{base}{doors.LINK}?{urlencode({'schluessel': token})}"


def hosts_of(settings: Serve) -> frozenset[str]:
    """The host names by which the pages may be asked for."""
    return LOOPBACK | {settings.host.lower()} if settings.certificate else LOOPBACK


def options_of(settings: Serve, port: int) -> dict[str, Any]:
    """All options of Streamlit that this application depends on."""
    return {
        **_reach(settings, port),
        "server.trustedUserHeaders": dict(TRUSTED_HEADERS),
        "server.enableXsrfProtection": True,
        "server.enableCORS": True,
        "server.enableAgentApi": False,
        "server.enableStaticServing": False,
        "server.scriptHealthCheckEnabled": False,
        "server.fileWatcherType": "none",
        "server.runOnSave": False,
        "server.maxUploadSize": 20,
        "server.headless": True,
        "browser.gatherUsageStats": False,
        "client.showErrorDetails": "none",
        "client.showErrorLinks": False,
        "client.toolbarMode": "minimal",
        "client.disableDataExport": True,
        "global.developmentMode": False,
        "logger.level": "error",
        # rich would write errors, in colours, to stdout, where --json speaks
        "logger.enableRich": False,
        "logger.hideWelcomeMessage": True,
        **_THEME,
    }


#: Text at least 4.5:1 and marks at least 3:1 on white.
_THEME: Final = {
    "theme.base": "light",
    "theme.primaryColor": "#0072B2",
    "theme.backgroundColor": "#FFFFFF",
    "theme.secondaryBackgroundColor": "#F3F6F8",
    "theme.textColor": "#1B2733",
    "theme.borderColor": "#D5DCE3",
    "theme.greenColor": "#2E7D32",
    "theme.greenTextColor": "#2E7D32",
    "theme.orangeTextColor": "#8F5500",
    "theme.redTextColor": "#C62828",
    "theme.grayTextColor": "#5F6368",
    "theme.baseFontSize": 16,
    "theme.headingFontSizes": ["2rem", "1.5rem", "1.25rem", "1.1rem", "1rem", "1rem"],
    "theme.metricValueFontSize": "1.75rem",
    "theme.paddingTop": "0",
    "theme.paddingBottom": "2rem",
    "theme.sidebar.paddingTop": "1rem",
}


def _reach(settings: Serve, port: int) -> dict[str, Any]:
    """Where the server listens: this machine alone, or elsewhere with a certificate and only then."""
    reach: dict[str, Any] = {
        "server.address": settings.host,
        "server.port": port,
        "server.allowedHosts": sorted(hosts_of(settings)),
    }
    if settings.certificate is None:
        if settings.host not in LOOPBACK:
            raise InsecureAddressError(
                f"[serve] host: found {settings.host}, expected 127.0.0.1: other machines only with a certificate"
            )
        return reach
    _try_certificate(settings)
    return reach | {"server.sslCertFile": settings.certificate, "server.sslKeyFile": settings.certificate_key}


def _try_certificate(settings: Serve) -> None:
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            str(settings.certificate), settings.certificate_key
        )
    except (OSError, ssl.SSLError) as error:
        raise InsecureAddressError(
            f"[serve] certificate: {settings.certificate} with {settings.certificate_key} cannot be used: {error}"
        ) from error


def _announcing(house: House, settings: Serve, on_ready: Callable[[str], None] | None) -> Any:
    @asynccontextmanager
    async def lifespan(_: st.App) -> AsyncIterator[None]:
        if on_ready is not None:
            host = settings.host if house.secure else "127.0.0.1"
            on_ready(house.origin(f"{host}:{config.get_option('server.port')}"))
        yield

    return lifespan


def _dagster() -> ASGIApp:
    from pipelines.defs import ui  # noqa: PLC0415  (loads Dagster, only where it was asked for)

    return ui.asgi(path_prefix=doors.DAGSTER)


def no_core_dumps() -> None:
    """A crash must not write the memory of this process, with names in it, to disk."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415  (not on Windows)

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
