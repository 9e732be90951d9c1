"""How much text an index leaves out, and that an answer says so."""

from __future__ import annotations

import pytest

from codesearch.index.left_out import left_out_text
from codesearch.records import SkippedFile, SkipReason


@pytest.mark.parametrize(
    ("path", "reason", "detail", "kinds"),
    [
        ("a.pb.go", SkipReason.GENERATED, "by its name", {"generated": 1}),
        ("a.min.js", SkipReason.MINIFIED, "", {"minified": 1}),
        ("*.csv", SkipReason.UNKNOWN_LANGUAGE, "1,200 files", {"data": 1200}),
        ("table.xq", SkipReason.UNKNOWN_LANGUAGE, "", {"data": 1}),
        ("*.png", SkipReason.UNKNOWN_LANGUAGE, "12 files", {}),
        ("a.so", SkipReason.BINARY, "", {}),
        ("lib/", SkipReason.EXCLUDED, "--exclude, 3 files", {}),
        ("yarn.lock", SkipReason.GENERATED, "a lock file", {}),
    ],
)
def test_only_text_that_nobody_excluded_counts(
    path: str, reason: SkipReason, detail: str, kinds: dict[str, int]
) -> None:
    assert left_out_text(1, [SkippedFile(path, reason, detail)]).kinds == kinds


def test_the_share_is_of_all_text() -> None:
    skipped = [SkippedFile(f"{n}.pb.go", SkipReason.GENERATED, "by its name") for n in range(5)]
    assert left_out_text(15, skipped).share == 0.25
    assert left_out_text(0, []).share == 0
