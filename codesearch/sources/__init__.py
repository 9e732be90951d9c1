"""Which files belong to a repository, which of them changed, and what is in them.

::

    repository.py   a path or a URL  -> Repository
    clones.py       a URL            -> a shallow clone in the cache (the sole user of GitPython)
    listing.py      Repository       -> Listing: the files to search, and what is left out and why
    worktree.py     what Git says of a work tree, by plain commands (see commands.py)
    git_configuration.py  what keeps Git from running what a repository's configuration names
    walk.py         the same for a folder that is not under Git
    patterns.py     gitignore syntax (the sole user of pathspec), matched in linear time (linear_patterns.py)
    generated.py    which files a person did not write
    reading.py      SourceFile       -> SourceText, or why it cannot be searched
    opening.py      opening a file without leaving the repository or blocking
    discovery.py    which repositories lie below a folder
    history.py      how a work tree relates to a commit
    objects.py      trees, blobs and commits of a repository, bare or not, without a work tree
    subjects.py     what the subject of a commit says
    rules.py        FileRules: what the user asked to include and exclude
    scope.py        where a change can matter: what a watcher looks at

Callers use the names exported here and none of the modules.
"""

from __future__ import annotations

from codesearch.sources.clones import is_url
from codesearch.sources.commands import GitUnavailableError, git_version
from codesearch.sources.discovery import NEVER_ENTERED, Discovery, discover
from codesearch.sources.history import Distance, distance_to
from codesearch.sources.listing import Listing, list_files, passes_over
from codesearch.sources.objects import ChangedFile, Commit, GitObjects, TreeFile, git_output
from codesearch.sources.path_filters import path_matcher
from codesearch.sources.reading import SourceText, blob_id, decode_source, read_source
from codesearch.sources.repository import Progress, find_repository, open_repository
from codesearch.sources.rules import FileRules
from codesearch.sources.scope import Scope
from codesearch.sources.subjects import clean_subject

__all__ = [
    "NEVER_ENTERED",
    "ChangedFile",
    "Commit",
    "Discovery",
    "Distance",
    "FileRules",
    "GitObjects",
    "GitUnavailableError",
    "Listing",
    "Progress",
    "Scope",
    "SourceText",
    "TreeFile",
    "blob_id",
    "clean_subject",
    "decode_source",
    "discover",
    "distance_to",
    "find_repository",
    "git_output",
    "git_version",
    "is_url",
    "list_files",
    "open_repository",
    "passes_over",
    "path_matcher",
    "read_source",
]
