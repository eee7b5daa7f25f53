"""Words that can be dragged into another order, taken out and put back, by hand or by keyboard."""

from sharedspace.ui.chips.component import chips

__all__ = ["chips"]
