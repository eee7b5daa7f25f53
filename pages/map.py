"""Pictures and words on one map; a query shows where it lands."""

from sharedspace.ui import asking, frame, knobs, mapview

with frame.page(
    "Map", "Each point is a picture, and near means alike to the model. Type words and see where they land."
) as collection:
    question = asking.bar(collection)
    view = mapview.controls(collection)
    if not collection.is_drawn:
        knobs.draw_first(collection)
    mapview.map_and_images(collection, question, view)
