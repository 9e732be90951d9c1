"""What a coding agent has to read until it has seen the right function.

::

    reading.py  what it reads with ``search_code``, and with grep and a viewer
    costs.py    how many tokens that is
    sizes.py    how many tokens the tools' descriptions and an answer by default have
"""
