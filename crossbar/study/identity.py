"""What a result depends on, as a key: equal keys promise equal results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import crossbar

__all__ = ["code_version", "content_key", "digest"]

_DIGITS = 24


@lru_cache(maxsize=1)
def code_version() -> str:
    """Return the version of the package and 12 digits that change with any of its sources."""
    root = Path(crossbar.__file__).parent
    digest = hashlib.sha256()
    files = [path for path in root.rglob("*") if path.suffix in (".py", ".yaml")]
    for linked in ("kernels", "arch_configs"):  # rglob does not enter links
        files += [path for path in (root / linked).glob("*") if path.suffix in (".py", ".yaml")]
    for path in sorted(set(files)):
        digest.update(str(path.relative_to(root)).encode())
        digest.update(path.read_bytes())
    return f"{crossbar.__version__}+{digest.hexdigest()[:12]}"


def content_key(content: Mapping[str, Any]) -> str:
    """Return 24 hexadecimal digits that change with any part of a point's description.

    Parameters
    ----------
    content : mapping
        JSON-able: hardware, digests of network and data, effects, seed.  `code_version` is added.
    """
    written = json.dumps({**content, "code": code_version()}, sort_keys=True, default=str)
    return digest(written)


def digest(text: str) -> str:
    """Return 24 hexadecimal digits that change with the text."""
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
