"""What one file and one archive may be at most: settings, each named where it refuses."""

import pytest

from sharedspace import limits
from sharedspace.errors import BadInput


def test_without_settings_the_defaults_hold():
    assert limits.current() == limits.Limits()


def test_each_setting_is_read_in_the_unit_of_its_name(monkeypatch: pytest.MonkeyPatch):
    for name, value in {"FILE_MB": "1.5", "MEGAPIXELS": "2", "ENTRIES": "7", "TOTAL_GB": "0.5"}.items():
        monkeypatch.setenv(f"SHAREDSPACE_MAX_{name}", value)

    assert limits.current() == limits.Limits(3 * 2**19, 2_000_000, 7, 2**29)


@pytest.mark.parametrize("value", ["many", "0", "-1", "nan", "inf"])
def test_a_setting_that_is_no_number_above_0_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, value: str):
    monkeypatch.setenv("SHAREDSPACE_MAX_FILE_MB", value)

    with pytest.raises(BadInput, match=rf"SHAREDSPACE_MAX_FILE_MB is '{value}': give a number above 0, such as 100\."):
        limits.current()


def test_what_is_at_a_limit_passes_and_what_is_over_is_refused_with_the_name_of_the_setting():
    most = limits.Limits(file_bytes=2**20, pixels=1_000_000, entries=2, total_bytes=2**30)

    assert [most.file(2**20), most.size(1000, 1000), most.archive(2, 2**30)] == [None, None, None]
    assert most.file(2 * 2**20) == "2 MB is over the limit of 1 MB (SHAREDSPACE_MAX_FILE_MB)"
    assert most.size(1, 3_000_000) == "3 million pixels is over the limit of 1 million (SHAREDSPACE_MAX_MEGAPIXELS)"
    assert "(SHAREDSPACE_MAX_ENTRIES)" in str(most.archive(3, 0))
    assert "(SHAREDSPACE_MAX_TOTAL_GB)" in str(most.archive(0, 2**31))
