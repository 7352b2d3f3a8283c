"""The gate's own pages: sign-in, one-time link, sign-out. Plain HTML in German that needs no script.

Everything that came with a request is escaped; the styles are inline because without a session no file is served.
"""

from __future__ import annotations

import enum
from html import escape

from dashboards import doors


class Refusal(enum.Enum):
    """Why somebody was not let in; the value is what the form says."""

    WRONG = (
        "Name oder Passwort stimmt nicht. Nach 10 Fehlversuchen ist die Anmeldung 15 Minuten lang gesperrt, auch mit "
        "dem richtigen Passwort. Die IT kann ein neues setzen (praxistakt user reset)."
    )
    BUSY = "Gerade melden sich zu viele gleichzeitig an. Bitte in einigen Sekunden noch einmal versuchen."
    LINK = (
        "Dieser Link gilt nicht mehr: Er wurde schon benutzt oder ist abgelaufen. Bitte mit Name und Passwort "
        "anmelden oder einen neuen Link geben lassen."
    )
    EXPIRED = "Die Sitzung ist beendet. Bitte neu anmelden."


_STYLE = """
:root{color-scheme:light}*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:#eef2f5;color:#1b2733;
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main{width:min(25rem,calc(100vw - 2rem));background:#fff;border-radius:14px;padding:2.25rem;
box-shadow:0 1px 2px #1b273314,0 14px 40px #1b27331a;border-top:4px solid #0072b2}
.brand{font-weight:600;color:#0072b2;letter-spacing:.02em;margin:0}
h1{font-size:1.5rem;line-height:1.25;margin:.15rem 0 1.5rem}
label{display:block;font-weight:600;margin:1rem 0 .35rem}
input{width:100%;font:inherit;padding:.65rem .75rem;border:1px solid #767676;border-radius:8px;background:#fff}
input:focus-visible,button:focus-visible,a:focus-visible{outline:3px solid #0072b2;outline-offset:2px}
button{width:100%;margin-top:1.5rem;font:inherit;font-weight:600;padding:.75rem;border:0;border-radius:8px;
background:#0072b2;color:#fff;cursor:pointer}button:hover{background:#005a8c}
.note{margin:0 0 1rem;padding:.75rem .9rem;border-radius:8px;border-left:4px solid #c62828;background:#fdecea}
.small{margin:1.5rem 0 0;font-size:.875rem;color:#55606b}a{color:#005a8c}
"""


def _page(practice: str, title: str, body: str) -> bytes:
    return (
        '<!doctype html><html lang="de"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{escape(title)} · Praxistakt</title><style>{_STYLE}</style></head>'
        "<body><main>"
        f'<p class="brand">Praxistakt</p><h1>{escape(practice)}</h1>{body}</main></body></html>'
    ).encode()


def _note(refusal: Refusal | None) -> str:
    return "" if refusal is None else f'<p class="note" role="alert">{escape(refusal.value)}</p>'


def form_page(practice: str, refusal: Refusal | None = None, wanted: str = "/") -> bytes:
    """The sign-in form; `wanted` is the page to go to afterwards."""
    return _page(
        practice,
        "Anmelden",
        f'{_note(refusal)}<form method="post" action="{doors.SIGN_IN}">'
        f'<input type="hidden" name="weiter" value="{escape(wanted)}">'
        '<label for="name">Name</label>'
        '<input id="name" name="name" autocomplete="username" autocapitalize="none" required autofocus maxlength="100">'
        '<label for="passwort">Passwort</label>'
        '<input id="passwort" name="passwort" type="password" autocomplete="current-password" required '
        'maxlength="200"><button type="submit">Anmelden</button></form>'
        '<p class="small">Nach 30 Minuten ohne Eingabe endet die Sitzung von selbst.</p>',
    )


def link_page(practice: str, token: str) -> bytes:
    """One button that redeems a one-time link: a link that a mail scanner or a preview opens is not used up."""
    return _page(
        practice,
        "Anmelden mit Link",
        f'<p>Sie melden sich mit einem Link an, der nur einmal gilt.</p><form method="post" action="{doors.LINK}">'
        f'<input type="hidden" name="schluessel" value="{escape(token)}">'
        '<button type="submit" autofocus>Jetzt anmelden</button></form>',
    )


def sign_out_page(practice: str) -> bytes:
    """One button that ends the session: an address alone must not sign anybody out."""
    return _page(
        practice,
        "Abmelden",
        f'<form method="post" action="{doors.SIGN_OUT}"><p>Möchten Sie sich abmelden?</p>'
        '<button type="submit" autofocus>Abmelden</button></form><p class="small"><a href="/">Zurück</a></p>',
    )


def notice_page(practice: str, title: str, text: str) -> bytes:
    """A page that only says something, with a way back."""
    return _page(practice, title, f'<p>{escape(text)}</p><p class="small"><a href="/">Zur Startseite</a></p>')


#: Runs beside each page: when the session has ended (sign-out in another tab, idle, locked) the page goes away, so
#: that no name stays on a shared screen; a page that the back button brings from the cache is asked again too.
WATCH_SCRIPT = f"""(() => {{
  const leave = () => location.replace("{doors.SIGN_IN}?beendet=1");
  const ask = () => fetch("{doors.SESSION}", {{cache: "no-store"}})
    .then((answer) => {{ if (answer.status === 401) leave(); }})
    .catch(() => undefined);
  setInterval(ask, 3000);
  addEventListener("pageshow", (event) => {{ if (event.persisted) ask(); }});
  document.addEventListener("visibilitychange", () => {{ if (!document.hidden) ask(); }});
}})();
""".encode()
