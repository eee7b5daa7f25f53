"""All lessons, and the way into a class."""

from sharedspace.ui.learning import overview

overview.show()
