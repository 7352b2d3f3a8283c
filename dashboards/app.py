"""Navigation: which pages there are, and for whom. Streamlit runs this file for every viewer."""

from __future__ import annotations

import streamlit as st

from dashboards import data, doors, header, texts
from dashboards.views.connections import connections
from dashboards.views.utilisation import utilisation


def main() -> None:
    """Offer what the viewer's roles may see, and draw the page that was asked for."""
    st.set_page_config(page_title="Praxistakt", page_icon="🗓️", layout="wide", initial_sidebar_state=220)
    viewer = header.current_viewer()
    pages = []
    if viewer.may("utilisation"):
        pages.append(st.Page(utilisation, title=texts.UTILISATION, url_path="auslastung", icon=":material/bar_chart:"))
    if viewer.may("connections"):
        pages.append(st.Page(connections, title=texts.CONNECTIONS, url_path="verbindungen", icon=":material/sync:"))
    # the start page of Streamlit has no address of its own, so it is one that only leads on
    chosen = st.navigation(
        [st.Page(lambda: st.switch_page(pages[0]), title="Start", default=True, visibility="hidden"), *pages]
    )
    with st.sidebar:
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
