"""Run as a process: serves a made practice on a free port and prints, as one line of JSON, where and how.

With it go what only the running server knows: its options and its route table. A line "run" on its input is a run that
takes the requests that wait and ends well; it answers "ran". With a certificate's file behind the folder it serves
under TLS, and Dagster's pages too.
"""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import signal
import sys
import threading
from pathlib import Path

import streamlit
from streamlit import config
from streamlit.web.server.starlette import starlette_app

from dashboards import serve
from pipelines import publish
from pipelines.ops import open_ops, requests, runs, users
from pipelines.practice import Practice

PASSWORD = "ein langes Passwort"
USERS = {"chef": {"manager"}, "empfang": {"reception"}, "edv": {"it"}, "analyse": {"analyst"}}
OPTIONS = (
    "server.address",
    "server.allowedHosts",
    "server.trustedUserHeaders",
    "server.enableXsrfProtection",
    "server.enableAgentApi",
    "server.enableStaticServing",
    "server.maxUploadSize",
    "server.fileWatcherType",
    "browser.gatherUsageStats",
    "client.showErrorDetails",
    "client.toolbarMode",
    "global.developmentMode",
)


def serve_requests(practice: Practice) -> None:
    with open_ops(practice) as ops:
        for _ in sys.stdin:
            run = runs.start_run(ops, "changes", practice.now())
            requests.claim(ops, run)
            runs.finish_run(ops, run, "ok", practice.now())
            sys.stdout.write("ran\n")
            sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGTERM)  # whoever started this process is gone


def main(folder: Path, certificate: str | None = None) -> None:
    spec = importlib.util.spec_from_file_location("made_practice", Path(__file__).with_name("made_practice.py"))
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules["made_practice"] = made
    spec.loader.exec_module(made)

    if certificate is not None:
        made.SETTINGS["serve"] |= {"certificate": certificate, "certificate_key": certificate}
    practice, ops = made.make_practice(folder, made.running_clock())
    for name, roles in USERS.items():
        users.add(ops, name, roles, PASSWORD, practice.now())
    links = [users.one_time_link(ops, "chef", practice.now()) for _ in range(2)]
    reader = made.make_reader()
    publish.reader = lambda _: reader
    routes: list[str] = []
    create = starlette_app.create_streamlit_routes

    def noting(runtime: object) -> list[object]:
        found = create(runtime)
        routes.extend(getattr(route, "path", str(route)) for route in found)
        return found

    starlette_app.create_streamlit_routes = noting

    def ready(base: str) -> None:
        told = {
            "base": base,
            "password": PASSWORD,
            "links": [serve.one_time_address(base, link) for link in links],
            "options": {name: config.get_option(name) for name in OPTIONS},
            "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
            "routes": sorted(set(routes)),
            "version": streamlit.__version__,
        }
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()

    ops.close()
    threading.Thread(target=serve_requests, args=(practice,), daemon=True).start()
    serve.serve(practice, port=0, with_dagster=certificate is not None, on_ready=ready)


main(Path(sys.argv[1]), *sys.argv[2:])
