"""Weights rounded to 8 bits; docs/design/rounding.md says when to touch it.

::

    gptq.py  rounded jointly, each step making up for the errors of those before it
"""
