"""Attention within many short sequences that lie end to end; docs/design/attention-kernels.md says when to touch it.

::

    attention.py          three ways to the same numbers, and which is taken
    attention_kernels.py  one of these, in Triton
"""
