from __future__ import annotations

import pytest

from codesearch.extraction.python_docstrings import cut_docstring
from codesearch_eval.encoder.docstrings import summary_question


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ('def f():\n    """Doc."""\n    return 1', "def f():\n    \n    return 1"),
        ("def f(): 'doc'; return 1", "def f(): ; return 1"),
        ('def f(a={1: 2}[1]) -> "x":\n    r"""Doc\n    more"""\n', 'def f(a={1: 2}[1]) -> "x":\n    \n'),
        (
            'def f():\n    # why\n\n    u"doc"  # note\n    pass',
            "def f():\n    # why\n\n      # note\n    pass",
        ),
        ('def f():\n    "one" "two"\n    pass', "def f():\n    \n    pass"),
        ('async def f():\n    """Ünï → doc."""\n    await g()', "async def f():\n    \n    await g()"),
        ('@wraps(g)\ndef f():\n    """Doc."""', "@wraps(g)\ndef f():\n    "),
        (
            'def f(self):\n        """Doc."""\n        print "python 2"',
            'def f(self):\n        \n        print "python 2"',
        ),
        (
            '    def f(self):\n        """Doc."""\n        return 0',
            "    def f(self):\n        \n        return 0",
        ),
        ('def f():\r\n    """Doc."""\r\n    pass', "def f():\r\n    \r\n    pass"),
        ('def f():\n    """Doc."""\n    x = (1,', "def f():\n    \n    x = (1,"),
    ],
)
def test_the_docstring_is_cut_and_nothing_else(code, expected):
    assert cut_docstring(code) == expected


@pytest.mark.parametrize(
    "code",
    [
        "def f():\n    return 1",
        'def f():\n    x = """no docstring"""',
        'def f():\n    x = 1\n    """too late"""',
        'def f():\n    """part of""" + expression()',
        'def f():\n    f"""not a {docstring}"""',
        "def f():\n    pass\n\x00",
        "func main() {}",
        "",
    ],
)
def test_what_has_no_docstring_stays_as_it_is(code):
    assert cut_docstring(code) == code


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        ("Sort the list.\n\nIn place.", "Sort the list."),
        ("Sort the list\nin place.\n@param x the list", "Sort the list\nin place."),
        ("Sort the list.\n:param x: the list\n:returns: nothing", "Sort the list."),
        ("// Sort sorts the list.\n// In place.\n//\n// Slow.", "Sort sorts the list.\nIn place."),
        ("Send to alice@example.org.", "Send to alice@example.org."),
        ("@return the size", "@return the size"),
        ("  \n", ""),
    ],
)
def test_summary_question(docstring, expected):
    assert summary_question(docstring) == expected
