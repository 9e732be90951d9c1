"""The index of a repository on disk: what it stores, how it is brought up to date, how it is read.

``storage`` owns the directory; ``update`` writes; ``snapshot`` reads; ``lexical`` and ``dense`` are the two
derived search structures.
"""
