"""Navigation: which pages there are, and for whom. Streamlit runs this file for every viewer."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

import streamlit as st

from dashboards import data, doors, header, texts
from dashboards.views.connections import connections
from dashboards.views.utilisation import utilisation

#: Right that a page needs -> its function, title, address and icon, in the order of the navigation.
PAGES: Final = MappingProxyType(
    {
        "utilisation": (utilisation, texts.UTILISATION, "auslastung", ":material/bar_chart:"),
        "connections": (connections, texts.CONNECTIONS, "verbindungen", ":material/sync:"),
    }
)


def main() -> None:
    """Offer what the viewer's roles may see, and draw the page that was asked for.

    A page that is not offered has its address all the same: whoever types it is told that the right is missing.
    """
    st.set_page_config(page_title="Praxistakt", page_icon="🗓️", layout="wide", initial_sidebar_state=220)
    viewer = header.current_viewer()
    pages = {
        right: st.Page(
            draw, title=title, url_path=path, icon=icon, visibility="visible" if viewer.may(right) else "hidden"
        )
        for right, (draw, title, path, icon) in PAGES.items()
    }
    first = next(page for right, page in pages.items() if viewer.may(right))
    # the start page of Streamlit has no address of its own, so it is one that only leads on
    start = st.Page(lambda: st.switch_page(first), title="Start", default=True, visibility="hidden")
    chosen = st.navigation([start, *pages.values()])
    with st.sidebar:
        if sum(map(viewer.may, pages)) == 1:  # Streamlit draws no navigation for a single page
            st.page_link(first)
        roles = ", ".join(texts.ROLES[role] for role in sorted(viewer.roles))
        st.caption(f"{texts.plain(viewer.name)} · {roles}")
        if viewer.may("orchestration") and data.served().orchestration:
            st.page_link(f"{doors.DAGSTER}/", label=texts.ORCHESTRATION)
        if st.button(texts.SIGN_OUT, width="stretch"):
            data.served().sign_out(viewer)
            st.info(texts.SIGNED_OUT)
            st.stop()
    chosen.run()


main()
