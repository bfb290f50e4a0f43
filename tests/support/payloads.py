"""Sixty texts that somebody may put into a cell, a header, a file's name or a setting; and what a page is made of.

After the OWASP filter-evasion list, the vectors nbconvert's own tests inject into notebooks, spreadsheet formulas,
template and typst code, links to files, and marks that turn or hide a line on the terminal.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

PAYLOADS: tuple[str, ...] = (
    # elements and attributes
    "<script>alert(1)</script>",
    "</title><script>alert(2)</script>",
    "</style><script>alert(3)</script>",
    "</textarea></select></table><script>alert(4)</script>",
    "--><script>alert(5)</script><!--",
    "]]><script>alert(6)</script>",
    "<img src=x onerror=alert(7)>",
    '"><img src=x onerror="alert(8)">',
    "'><img src=x onerror='alert(9)'>",
    "<svg onload=alert(10)>",
    "<svg><script xlink:href=data:,alert(11)></script></svg>",
    "<svg><animate onbegin=alert(12) attributeName=x dur=1s>",
    "<svg><foreignObject><body onload=alert(13)></foreignObject></svg>",
    "<math><mtext><table><mglyph><style><img src onerror=alert(14)>",
    "<iframe src=javascript:alert(15)></iframe>",
    '<iframe srcdoc="&lt;script&gt;alert(16)&lt;/script&gt;">',
    "<object data=data:text/html;base64,PHNjcmlwdD5hbGVydCgxNyk8L3NjcmlwdD4=>",
    "<embed src=//example.invalid/18.swf>",
    "<a href=javascript:alert(19)>x</a>",
    "<a href='java\tscript:alert(20)'>x</a>",
    "<form action=//example.invalid/21><button>x</button></form>",
    "<input autofocus onfocus=alert(22)>",
    "<details open ontoggle=alert(23)>",
    "<body onload=alert(24)>",
    "<meta http-equiv=refresh content=0;url=//example.invalid/25>",
    "<base href=//example.invalid/26/>",
    "<link rel=stylesheet href=//example.invalid/27.css>",
    "<style>@import '//example.invalid/28.css';</style>",
    "<div style=background:url(//example.invalid/29)>x</div>",
    "<video><source onerror=alert(30)></video>",
    "<ScRiPt >alert(31)</sCrIpT>",
    "<scr<script>ipt>alert(32)</scr</script>ipt>",
    '" onmouseover="alert(33)" x="',
    "' autofocus onfocus='alert(34)' x='",
    "` onload=alert(35) x=`",
    "&lt;script&gt;alert(36)&lt;/script&gt;",
    "&#60;script&#62;alert(37)&#60;/script&#62;",
    "javascript:alert(38)",
    "data:text/html,<script>alert(39)</script>",
    "\uff1cscript\uff1ealert(40)\uff1c/script\uff1e",
    # files and attachments from a PDF
    "<img src=file:///etc/passwd>",
    "<link rel=attachment href=file:///etc/passwd>",
    # formulas
    "=cmd|'/c calc'!A1",
    "+1+cmd|'/c calc'!A1",
    "-2+3+cmd|'/c calc'!A1",
    "@SUM(1+9)*cmd|'/c calc'!A1",
    '=HYPERLINK("http://example.invalid/47","x")',
    "\t=1+48",
    "\r=1+49",
    '  "=1+50',
    "\uff1d1+51",
    # template, typst, TeX, markdown
    "{{7*7}}{% include '/etc/passwd' %}",
    "${7*7}<%= 7*7 %>#{7*7}",
    '#import "/etc/passwd": *',
    '#read("/etc/passwd")',
    r"$\foo$ \input{/etc/passwd} \write18{id}",
    "![x](javascript:alert(57)) [x](file:///etc/passwd)",
    # what turns or hides text
    "\u202egnp.exe\u202c\u2066x\u2069\u200b",
    "\x1b[2J\x1b]0;owned\x07\x9b31m",
    "x" * 10_000,
)
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What a terminal or a reader's eye obeys; a line end and a tab are not among them."""

assert len(PAYLOADS) == 60


class Outline(HTMLParser):
    """What a parsed page is made of: every element with the names of its attributes, in order; and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.parts: list[tuple[str, tuple[str, ...]]] = []
        self.values: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parts.append((tag, tuple(name for name, _ in attrs)))
        self.values += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_comment(self, data: str) -> None:
        self.parts.append(("comment", ()))

    def handle_decl(self, decl: str) -> None:
        self.parts.append(("declaration", ()))

    def unknown_decl(self, data: str) -> None:
        self.parts.append(("unknown declaration", ()))

    def handle_pi(self, data: str) -> None:
        self.parts.append(("instruction", ()))

    def active(self) -> list[str]:
        """What would run or load something."""
        tags = {
            "script",
            "iframe",
            "object",
            "embed",
            "form",
            "base",
            "link",
            "video",
            "audio",
            "input",
            "foreignobject",
        }
        found = [tag for tag, _ in self.parts if tag in tags]
        for tag, name, value in self.values:
            target = "".join(value.split()).lower()
            loads = name in {"src", "srcdoc", "action", "background", "xlink:href"} and not target.startswith(
                ("data:image/", "#")
            )
            runs = name == "href" and re.match(r"(javascript|data|file|vbscript|https?|//)", target)
            styled = name == "style" and ("url(" in target or "expression" in target) and "url(#" not in target
            if name.startswith("on") or loads or runs or styled:
                found.append(f"{tag} {name}")
        return found
