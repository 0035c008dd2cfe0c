"""Fetch the pinned front-end packages again: `python static/vendor/refresh.py` (needs npm, no other tool).

Only what pages load is kept. Comments that name source maps are dropped: the maps are not shipped, and
Django's manifest storage refuses a reference to a missing file. The icon sprite holds the icons that
templates and Python files name, so run this again after using a new one.
"""

import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

VENDOR = Path(__file__).resolve().parent
PROJECT = VENDOR.parent.parent
PACKAGES = {
    "@tabler/core": (
        "1.6.1",
        "tabler",
        {"dist/css/tabler.min.css": "tabler.min.css", "dist/js/tabler.min.js": "tabler.min.js"},
    ),
    "chart.js": ("4.6.1", "chartjs", {"dist/chart.umd.min.js": "chart.umd.min.js", "LICENSE.md": "LICENSE.md"}),
    "@fontsource-variable/inter": (
        "5.3.0",
        "inter",
        {
            "files/inter-latin-wght-normal.woff2": "inter-latin.woff2",
            "files/inter-latin-ext-wght-normal.woff2": "inter-latin-ext.woff2",
            "LICENSE": "LICENSE",
        },
    ),
    "@tabler/icons": ("3.51.0", "tabler-icons", {"LICENSE": "LICENSE"}),
}
# How templates and `dashboard/templatetags/portal.py` name icons.
ICONS = (
    r'{% icon "([a-z0-9-]+)"',
    r'symbol="([a-z0-9-]+)"',
    r'{% nav_item "[^"]+" "[^"]+" "([a-z0-9-]+)"',
    r'icon\("([a-z0-9-]+)"',
    r'": \("[a-z]+", "([a-z0-9-]+)"\)',
)


def unpack(package: str, version: str, folder: Path) -> Path:
    subprocess.run(
        ["npm", "pack", "--silent", f"{package}@{version}", "--pack-destination", str(folder)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    archive = next(folder.glob("*.tgz"))
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / "package"


def copy(source: Path, target: Path) -> None:
    if target.suffix not in (".css", ".js"):
        shutil.copyfile(source, target)
        return
    text = re.sub(r"(?m)^\s*(/\*#|//#) sourceMappingURL=.*$", "", source.read_text())
    target.write_text(text.rstrip() + "\n")


def icon_names() -> list[str]:
    """The icons that pages use, by name."""
    files = [*PROJECT.glob("templates/**/*.html"), PROJECT / "dashboard" / "templatetags" / "portal.py"]
    return sorted({name for file in files for pattern in ICONS for name in re.findall(pattern, file.read_text())})


def sprite(icons: Path) -> str:
    symbols = []
    for name in icon_names():
        svg = (icons / f"{name}.svg").read_text()
        body = re.sub(r"(?s)^.*?<svg[^>]*>|</svg>\s*$", "", svg)
        body = re.sub(r'<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*/>', "", body)
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{" ".join(body.split())}</symbol>')
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"


def main() -> None:
    for package, (version, name, files) in PACKAGES.items():
        with tempfile.TemporaryDirectory() as temporary:
            unpacked = unpack(package, version, Path(temporary))
            target = VENDOR / f"{name}-{version}"
            target.mkdir(exist_ok=True)
            for source, wanted in files.items():
                copy(unpacked / source, target / wanted)
            if name == "tabler-icons":
                (target / "sprite.svg").write_text(sprite(unpacked / "icons" / "outline"))
        print(f"{package} {version} -> {target.relative_to(PROJECT)}")


if __name__ == "__main__":
    main()
