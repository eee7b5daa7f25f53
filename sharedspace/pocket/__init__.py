"""Pocket: a small CLIP of our own, trained from scratch on drawings whose truth is known."""
