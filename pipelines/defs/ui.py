"""Dagster's own pages as an ASGI application, to be served behind the sign-in gate and on no port of their own."""

from __future__ import annotations

import atexit
from contextlib import ExitStack

from dagster import __version__
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import ModuleTarget
from dagster_webserver.app import create_app_from_workspace_process_context
from starlette.applications import Starlette

from pipelines.defs.instance import opened
from pipelines.practice import home


def asgi(path_prefix: str) -> Starlette:
    """Dagster's pages below `path_prefix` ("/dagster"), over all practices of this box.

    It holds a code server of its own as a child process, until this process ends: an application that is called by a
    middleware sees no lifespan of its own. Who may see it (role IT) is the gate's business: the pages know no users.
    """
    stack = ExitStack()
    instance = stack.enter_context(opened(home()))
    target = ModuleTarget("pipelines.definitions", attribute=None, working_directory=None, location_name=None)
    workspace = stack.enter_context(
        WorkspaceProcessContext(instance, target, version=__version__, code_server_log_level="WARNING")
    )
    atexit.register(stack.close)
    return create_app_from_workspace_process_context(workspace, path_prefix)
