"""How static files are collected: under names that change with their content, each with a compressed copy."""

from collections.abc import Iterable
from typing import Any

from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

# What landing pages load has no hash in its name: the address stands in pages that are not ours.
NAMED_BY_OTHERS = ("tag/", "tools/")


class StaticStorage(CompressedManifestStaticFilesStorage):
    """Compress what browsers load, with gzip alone: the first start of the demo collects, and must not take long.

    Brotli would save a sixth more and take forty times as long.
    """

    def compress_files(self, paths: Iterable[str]) -> Any:
        hashed = set(self.hashed_files.values())
        return super().compress_files(path for path in paths if path in hashed or path.startswith(NAMED_BY_OTHERS))

    def create_compressor(self, **kwargs: object) -> Compressor:
        return Compressor(use_brotli=False, **{**kwargs, "extensions": (*Compressor.SKIP_COMPRESS_EXTENSIONS, "map")})
