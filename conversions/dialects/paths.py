"""Names that lead into nested JSON, as JMESPath writes them: `data.object.id`, `lines[?name=='click'].value|[0]`.

Only an operator's mapping has such names. A value that is no text, number or boolean counts as absent.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

LONGEST_PATH = 200


@lru_cache(maxsize=1024)
def _compiled(path: str) -> Any:
    """The compiled path; None if it cannot be read."""
    try:
        return jmespath.compile(path)
    except JMESPathError:
        return None


def is_path(name: str) -> bool:
    """Whether the name leads into nested JSON. A plain name with a dot in it is read as it is, too."""
    return ("." in name or "[" in name) and len(name) <= LONGEST_PATH and _compiled(name) is not None


def values_at(paths: Iterable[str], document: dict[str, Any]) -> dict[str, Any]:
    """The plain values that the paths lead to, by path; numbers must have been kept as text."""
    found = {path: _value_at(path, document) for path in paths if path not in document}
    return {path: value for path, value in found.items() if isinstance(value, str | bool)}


def _value_at(path: str, document: dict[str, Any]) -> Any:
    try:
        return _compiled(path).search(document)
    except (JMESPathError, RecursionError):
        return None
