"""The first paragraph of a documentation: asked by evaluation, learned by training."""

from __future__ import annotations

import pytest

from codesearch.extraction.documentation import first_paragraph, strip_comment_markers


@pytest.mark.parametrize(
    ("documentation", "expected"),
    [
        ("Read a header\nof a request.\n\nMore of it.", "Read a header\nof a request."),
        ("Read a header.\n    For example 'a: b'.", "Read a header.\nFor example 'a: b'."),
        ("Read a header.\n@param text what came", "Read a header."),
        ("Read a header.\n  :param text: what came", "Read a header."),
        ("Read a header.\n\\return it", "Read a header."),
        ("@brief Read a header.\n\\param text what came", "Read a header."),
        ("@description\nRead a header.", "Read a header."),
        # A link on a line of its own is a tag of JSDoc and PHPDoc; inside braces it is part of the text.
        ("Read a header.\n@link http://x.org/a\n@function", "Read a header."),
        ("Read a {@link Header}.", "Read a {@link Header}."),
        # A role of Sphinx is part of the text, a field is not.
        (":class:`Header` of a request.", ":class:`Header` of a request."),
        ("@return the size", ""),
        (":param text: what came", ""),
        # Sections, examples and tables need no blank line before them.
        ("Read a header.\nArgs:\n    text: what came", "Read a header."),
        ("Read a header.\nParameters\n----------\ntext: str", "Read a header."),
        ("Read a header.\nExample::\n\n    read('a: b')", "Read a header."),
        ("Read a header.\n>>> read('a: b')", "Read a header."),
        ("Read a header.\n```js\nread()\n```", "Read a header."),
        ("Read a header.\n.. code-block:: python", "Read a header."),
        ("Read a header.\n| a | b |", "Read a header."),
        ("Read a header.\n<p>\nMore of it.", "Read a header."),
        ("<p>\nRead a header.", "Read a header."),
        # What stands above the text is passed over.
        ("----\nRead a header.", "Read a header."),
        ("### .read(text)\n\nRead a header.", "Read a header."),
        ("~~~ helpers that read headers", "~~~ helpers that read headers"),
        ("~~~ js\nread()\n~~~", ""),
        (
            '<summary>\nRead a <see cref="T:Header"/>.\n</summary>\n<param name="x">y</param>',
            'Read a <see cref="T:Header"/>.',
        ),
        ("", ""),
        (" \n ", ""),
    ],
)
def test_it_ends_at_a_blank_line_or_at_what_is_no_text(documentation: str, expected: str) -> None:
    assert first_paragraph(documentation) == expected


def test_comment_markers_are_stripped_at_the_starts_of_lines_only() -> None:
    assert strip_comment_markers("// See http://x.org/a // b\n///  c\n# d") == "See http://x.org/a // b\n c\nd"
