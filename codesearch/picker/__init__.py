"""``codesearch ask -i``: results and a preview while one types.

::

    state.py        what is asked, shown and selected; pure
    layout.py       a state and the size of a terminal -> lines of styled text; pure
    preview.py      a match -> its code, highlighted
    widths.py       how many columns text takes, and cutting it
    editors.py      an editor, a file and a line -> a command line; pure
    searching.py    the one thread that opens indexes and searches them
    updates.py      what the indexing process does for the picker, and what is shown of that
    application.py  keys and the screen (prompt_toolkit): ties all of it together

Keys are handled by an event loop that does nothing slow: it hands each question to the searching thread, which runs the
newest one only, and draws what comes back.
"""
