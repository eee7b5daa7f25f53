"""The command line as the tests use it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sharedspace.cli import main
from sharedspace.testing import load_fake


class Shell:
    """Runs commands in one home, as a terminal does, and keeps what they wrote."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home, self._capsys, self.errors = home, capsys, ""

    def __call__(self, *words: str, status: int = 0, load: Callable[[str], Any] = load_fake) -> str:
        """The lines on stdout; asserts the status."""
        self._capsys.readouterr()
        found = main([*words, "--home", str(self.home)], load=load)
        out, self.errors = self._capsys.readouterr()

        assert found == status, self.errors
        return out

    def json(self, *words: str, status: int = 0, load: Callable[[str], Any] = load_fake) -> Any:
        """The one document on stdout."""
        return json.loads(self(*words, "--json", status=status, load=load))
