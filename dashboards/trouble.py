"""What a page says when its practice's files or keys are not as they should be: cause and next step, in plain words."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from dashboards import texts
from pipelines.errors import PipelineError

_log = logging.getLogger(__name__)


@contextmanager
def told() -> Iterator[None]:
    """Draw the block; an error of the pipeline's own kind is told on the page, and the log has it too.

    Such messages name files and numbers, never a value of a patient. Any other error is a fault of ours and goes on.
    """
    try:
        yield
    except PipelineError as error:
        _log.exception("a page could not be drawn")
        _say(error)


def _say(error: PipelineError) -> None:
    kinds = (kind.__name__ for kind in type(error).__mro__)
    cause, step = texts.TROUBLES[next((kind for kind in kinds if kind in texts.TROUBLES), "")]
    st.error(f"**{texts.CAUSE}:** {cause}  \n**{texts.NEXT_STEP}:** {step}")
    st.caption(texts.TECHNICAL)
    st.code(str(error), language=None, wrap_lines=True)
