"""The label doctor: what is wrong with a set of labels before it is used, and which wording would mend it."""

from sharedspace.doctor.findings import MOST, Finding, Kind, examine
from sharedspace.doctor.wording import (
    Rewording,
    TemplateGain,
    confused,
    rewordings,
    suggestions,
    template_gain,
)

__all__ = [
    "MOST",
    "Finding",
    "Kind",
    "Rewording",
    "TemplateGain",
    "confused",
    "examine",
    "rewordings",
    "suggestions",
    "template_gain",
]
