"""The gallery component: pictures that open on a click and share their selection with the map."""

from sharedspace.ui.gallery.component import GalleryEvent, Gesture, Tile, gallery, last_event

__all__ = ["GalleryEvent", "Gesture", "Tile", "gallery", "last_event"]
