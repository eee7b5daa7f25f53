"""Put pictures and words on one map, ask it anything, and see why it answers."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sharedspace.workspace import Workspace

__all__ = ["Workspace", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "Workspace":
        from sharedspace.workspace import Workspace

        return Workspace
    raise AttributeError(f"module 'sharedspace' has no attribute {name!r}")
