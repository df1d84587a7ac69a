"""Draws a comment on a pull request as a picture: Markdown roughly as on GitHub, in the browser for the dashboards."""

from __future__ import annotations

import re
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

from markdown_it import MarkdownIt

from sandbox.errors import SandboxError
from sandbox.place import Place
from sandbox.viewer import browser
from sandbox.viewer.browser import Visit

SIZE = (900, 1400)
MOST_LINES = 22
"""How many lines of the diff, which is folded on GitHub, the picture shows."""

STYLE = """
body { margin: 0; background: #ffffff; color: #1f2328; font: 14px/1.5 Inter, Helvetica, Arial, sans-serif; }
main { margin: 16px; border: 1px solid #d1d9e0; border-radius: 6px; }
header { padding: 8px 16px; background: #f6f8fa; border-bottom: 1px solid #d1d9e0; color: #59636e; }
article { padding: 4px 16px 12px; }
h2 { font-size: 20px; font-weight: 600; border-bottom: 1px solid #d1d9e0; padding-bottom: 6px; margin: 12px 0; }
blockquote { margin: 12px 0; padding: 4px 16px; border-left: 4px solid #cf222e; }
blockquote .title { color: #cf222e; font-weight: 600; }
pre { background: #f6f8fa; padding: 10px 12px; border-radius: 6px; font: 12px/1.45 monospace; overflow: hidden; }
pre span { display: block; white-space: pre; }
.plus { background: #dafbe1; } .minus { background: #ffebe9; } .note { color: #953800; }
sub { color: #59636e; font-size: 12px; vertical-align: baseline; } ul { padding-left: 24px; }
summary { margin: 8px 0; }
"""

LINES = {"+": "plus", "-": "minus", "!": "note"}


def page(comment: str) -> str:
    """The comment as an HTML page, with the first lines of its diff unfolded."""
    body = str(MarkdownIt("commonmark", {"html": True}).render(re.sub(r"\A<!--.*?-->\n", "", comment)))
    body = body.replace("<details>", "<details open>")
    body = body.replace("<p>[!CAUTION]</p>", '<p class="title">Caution</p>')
    body = re.sub(
        r'(?<=<code class="language-diff">)(.*?)(?=</code>)', lambda found: _coloured(found[0]), body, flags=re.S
    )
    main = f"<header><b>github-actions</b> commented</header><article>{body}</article>"
    panel = 'data-panel="comment" data-type="text" data-state="drawn" data-loading="false"'
    return f'<!doctype html><meta charset="utf-8"><style>{STYLE}</style><main {panel}>{main}</main>'


def _coloured(diff: str) -> str:
    lines = diff.rstrip("\n").split("\n")
    lines = lines if len(lines) <= MOST_LINES else [*lines[:MOST_LINES], "…"]
    return "".join(f'<span class="{LINES.get(line[:1], "")}">{line or " "}</span>' for line in lines)


def draw(place: Place, comment: Path, picture: Path) -> None:
    """Draw the comment in a file as SVG. Raises SandboxError if there is no browser, or the page has errors."""
    with TemporaryDirectory() as scratch:
        (Path(scratch) / "index.html").write_text(page(comment.read_text(encoding="utf-8")), encoding="utf-8")
        (Path(scratch) / "favicon.ico").touch()
        with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=scratch)) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            base = f"http://127.0.0.1:{server.server_address[1]}"
            (seen,) = browser.look(place, [Visit("/index.html", picture=picture)], SIZE, base)
            server.shutdown()
    if seen.complaints:
        raise SandboxError(f"The picture of {comment.name} has errors: {seen.complaints[:3]}")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        pass
