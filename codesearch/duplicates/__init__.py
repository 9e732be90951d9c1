"""Duplicate functions in one or several repositories.

How it is found, and the module that does it:

1. `functions`: the functions of the indexes, tests and what is too short to say anything left out; `tokens`: what
   is compared of them.
2. `finding`: three levels, told apart: exact, near (`shingles`), semantic (the vectors of the index). `grouping` makes
   groups of pairs, `opposites` knows what is alike and no duplicate.
3. `baseline`: groups that were accepted.
4. `report`: groups as text and as JSON.
"""

from __future__ import annotations

from codesearch.duplicates.finding import Group, Level, Member, Report, Thresholds, find_duplicates
from codesearch.duplicates.functions import Function, Sizes

__all__ = ["Function", "Group", "Level", "Member", "Report", "Sizes", "Thresholds", "find_duplicates"]
