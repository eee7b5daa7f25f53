"""Chroma in a folder of this machine."""

from __future__ import annotations

import logging
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from sharedspace.store import soundness

log = logging.getLogger("sharedspace")


class Embedded:
    """Chroma's files in a folder that no other process writes to."""

    prefix = "collection-"  # of our collections' names

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __str__(self) -> str:
        return str(self._folder)

    def open(self) -> Any:
        """A client. What cannot be opened is thrown away first: its owner builds it anew."""
        import chromadb
        from chromadb.api.shared_system_client import SharedSystemClient
        from chromadb.config import Settings

        problem = soundness.database_problem(self._folder)
        if problem is not None:
            log.warning("The vector index in %s is damaged and is built anew: %s.", self._folder, problem)
            self.discard()
        damages = soundness.damages(self._folder, self.prefix)
        for damage in damages:
            # Should this process end right here, the folder that is gone tells the next one of the damage.
            log.warning("A vector index in %s is damaged and is built anew: %s.", self._folder, damage.reason)
            shutil.rmtree(self._folder / damage.folder, ignore_errors=True)
        for orphan in soundness.orphans(self._folder):
            shutil.rmtree(orphan, ignore_errors=True)
        # Chroma would otherwise read its settings from a .env of the working directory.
        settings = Settings(_env_file=None, anonymized_telemetry=False)  # type: ignore[call-arg]
        # Chroma keeps what failed to open under the folder's name, and hands it out again.
        SharedSystemClient._identifier_to_system.pop(str(self._folder), None)
        client = chromadb.PersistentClient(str(self._folder), settings=settings)
        for damage in damages:
            client.delete_collection(damage.collection)
        return client

    def close(self, client: Any) -> None:
        """Let go of the files."""
        client.close()

    def discard(self) -> None:
        """Delete all files; no client may be open."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def size(self) -> int:
        """Bytes on disk."""
        total = 0
        for path in self._folder.rglob("*"):
            with suppress(FileNotFoundError):  # SQLite's journal comes and goes
                total += path.stat().st_size
        return total
