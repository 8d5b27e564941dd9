"""The few pages around the terminal. Everything they load comes from this server."""

from __future__ import annotations

from html import escape
from typing import Final

_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>{title}</title>
    <link rel="stylesheet" href="/static/portal.css" />
    {head}
  </head>
  <body>
    {body}
  </body>
</html>
"""


def terminal(websocket: str) -> str:
    """The terminal, and what is shown when it has ended. ``websocket``: the URL of its stream."""
    head = (
        '<link rel="stylesheet" href="/static/xterm.css" />\n    <script src="/static/portal.js"></script>'
        '\n    <script src="/static/textual.js"></script>'
    )
    body = f"""<div id="terminal" class="textual-terminal" role="application" aria-label="chorus-tui"
      data-session-websocket-url="{escape(websocket, quote=True)}" data-font-size="16"></div>
    <noscript><main><h1>chorus-tui</h1><p>The portal is a terminal and needs JavaScript.</p></main></noscript>
    <main id="ended" role="alert" hidden>
      <h1>The portal has ended</h1>
      <p id="why"></p>
      <p><a href="/" id="again">Open it again</a></p>
    </main>"""
    return _PAGE.format(title="chorus-tui", head=head, body=body)


def entered() -> str:
    """Goes on by itself to the page without the secret: that request comes from here, so the browser shows the cookie."""
    return _PAGE.format(
        title="chorus-tui", head='<meta http-equiv="refresh" content="0;url=/" />', body='<main><a href="/">Go on</a></main>'
    )  # fmt: skip


def refusal(reason: str, way_out: str = "") -> str:
    """Why nothing is shown, and what to do."""
    body = f"<main><h1>chorus-tui</h1><p>{escape(reason)}</p>{way_out}</main>"
    return _PAGE.format(title="chorus-tui: not open", head="", body=body)


NO_INVITATION: Final = (
    "<p>Whoever serves this portal makes a one-time URL with</p><pre>chorus-tui web --url</pre>"
    "<p>or with <kbd>u</kbd> on the screen <kbd>9</kbd> of the portal. It opens once, within ten minutes.</p>"
)
"""How to get in."""
