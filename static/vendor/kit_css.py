"""Cut the kit's style sheet down to the rules that pages can use: `python static/vendor/kit_css.py`.

Reads `tabler.min.css`, as it was published, and writes `tabler.used.css` beside it, which pages load. A rule stays when
every class of one of its selectors is a word of a template, a script or a Python file. Run it after using another class
of the kit: a test fails until then. Needs no package.
"""

import re
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
SOURCE = PROJECT / "static" / "vendor" / "tabler-1.6.1" / "tabler.min.css"
OUR_FILES = PROJECT / "static" / "portal"
TARGET = SOURCE.with_name("tabler.used.css")
HEAD = "/* Tabler 1.6.1 (MIT, see LICENSE): the rules that our pages can use, chosen by ../kit_css.py. */"
OURS = ("web", "affiliates", "tracking", "conversions", "payouts", "dashboard")
# Classes that the kit's script sets while a menu opens, and those of messages by their level (`alert-{{ level_tag }}`).
SET_BY_SCRIPTS = frozenset(
    "active collapse collapsed collapsing disabled dropdown dropdown-menu-end dropup fade hiding show showing "
    "alert-danger alert-info alert-success alert-warning".split()
)
WORD = re.compile(r"[A-Za-z][\w-]*")
QUOTED = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'")
CLASS = re.compile(r"\.((?:[\w-]|\\.)+)")
COMMENT_OR_CHARSET = re.compile(r"/\*.*?\*/|@charset [^;]*;", re.DOTALL)
PROPERTY = re.compile(r"(?<=[{;])(--[\w-]+):(?:\"[^\"]*\"|'[^']*'|[^;}\"'])*(?:;|(?=\}))")
GROUPS = ("@media", "@supports", "@layer", "@container")


def main() -> None:
    TARGET.write_text(cut(SOURCE.read_text()))
    print(f"{SOURCE.stat().st_size:,} -> {TARGET.stat().st_size:,} bytes")


def cut(css: str) -> str:
    """The style sheet with the rules that can be used, and the animations and custom properties that those use."""
    kept = _kept(COMMENT_OR_CHARSET.sub("", css), words())
    while (smaller := _without_unused_names(kept)) != kept:
        kept = smaller
    return f"{HEAD}\n{kept}\n"


def words() -> set[str]:
    """Every word that may be a class: of templates and scripts, and of what is quoted in Python."""
    found = set(SET_BY_SCRIPTS)
    for path in sources():
        text = path.read_text()
        found.update(WORD.findall(" ".join(QUOTED.findall(text)) if path.suffix == ".py" else text))
    return found


def sources() -> Iterator[Path]:
    yield from (PROJECT / "templates").rglob("*.html")
    yield from OUR_FILES.glob("*.js")
    for name in OURS:
        yield from (path for path in (PROJECT / name).rglob("*.py") if "migrations" not in path.parts)


def classes(css: str) -> set[str]:
    """The classes that the style sheet has rules for."""
    return {name.replace("\\", "") for head, _ in rules(css) for name in CLASS.findall(head)}


def rules(css: str) -> Iterator[tuple[str, str]]:
    """Every selector list and its declarations, those in groups too."""
    for head, body in _blocks(css):
        if head.startswith(GROUPS):
            yield from rules(body)
        elif not head.startswith("@"):
            yield head, body


def _kept(css: str, used: set[str]) -> str:
    out = []
    for head, body in _blocks(css):
        if head.startswith(GROUPS):
            body = _kept(body, used)
        elif not head.startswith("@"):
            head = ",".join(each for each in _selectors(head) if _required(each) <= used)
        if head and body:
            out.append(f"{head}{{{body}}}")
    return "".join(out)


def _required(selector: str) -> set[str]:
    """The classes that an element and those around it must have; what is in brackets, as `:not(.x)`, may be so or not."""
    while (shorter := re.sub(r"\([^()]*\)|\[[^\]]*\]", "", selector)) != selector:
        selector = shorter
    return {name.replace("\\", "") for name in CLASS.findall(selector)}


def _selectors(head: str) -> list[str]:
    """The selectors of a list: commas in brackets part none."""
    found, depth = [""], 0
    for each in head:
        depth += {"(": 1, ")": -1}.get(each, 0)
        if each == "," and not depth:
            found.append("")
        else:
            found[-1] += each
    return found


def _blocks(css: str) -> Iterator[tuple[str, str]]:
    """The top-level blocks, each as what precedes its braces and what they hold."""
    start = opened = depth = 0
    for found in re.finditer(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[{}]", css):
        if found[0] == "{":
            opened = opened if depth else found.start()
            depth += 1
        elif found[0] == "}":
            depth -= 1
            if not depth:
                yield css[start:opened].strip(), css[opened + 1 : found.start()]
                start = found.end()


def _without_unused_names(css: str) -> str:
    """The style sheet without animations and custom properties that nothing in it or of ours refers to."""
    all_of_it = css + "".join(path.read_text() for path in OUR_FILES.glob("*.[cj]s*"))
    named = set(re.findall(r"(?:var\(|[\"'])\s*(--[\w-]+)", all_of_it))
    moved = set(WORD.findall(" ".join(re.findall(r"animation(?:-name)?:([^;}]+)", all_of_it))))
    css = PROPERTY.sub(lambda found: found[0] if found[1] in named else "", css)
    kept = ((head, body) for head, body in _blocks(css) if not head.startswith("@keyframes ") or head[11:] in moved)
    return "".join(f"{head}{{{body}}}" for head, body in kept)


if __name__ == "__main__":
    main()
