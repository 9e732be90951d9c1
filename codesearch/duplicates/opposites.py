"""Names that say that two functions are each other's opposite: alike in every vector, and never duplicates."""

from __future__ import annotations

import re
from itertools import product
from typing import Final

__all__ = ["are_opposites"]

_OPPOSITES: Final = """
    acquire/release add/remove add/delete add/subtract allow/deny allow/forbid after/before append/prepend
    attach/detach begin/end bind/unbind bottom/top cancel/confirm ceil/floor check/uncheck clear/set client/server
    close/open collapse/expand compress/decompress compress/uncompress compress/extract connect/disconnect
    create/delete create/destroy create/drop create/remove dec/inc decode/encode decrease/increase decrement/increment
    decrypt/encrypt deflate/inflate dequeue/enqueue deserialize/serialize deserialise/serialise disable/enable
    down/up down/upgrade downgrade/upgrade drop/put dump/load dumps/loads enter/exit enter/leave escape/unescape
    exclude/include export/import failure/success false/true finish/start first/last follow/unfollow from/to
    front/back get/set get/put get/delete getter/setter give/take greater/less grow/shrink head/tail height/width
    hidden/visible hide/show hi/lo high/low horizontal/vertical in/out inbound/outbound incoming/outgoing input/output
    insert/delete insert/remove install/uninstall join/split left/right listen/unlisten load/save load/store
    load/unload lock/unlock lower/upper marshal/unmarshal max/min maximum/minimum more/less mount/unmount mute/unmute
    negative/positive new/old next/prev next/previous off/on old/young pack/unpack parent/child parse/format
    parse/render pause/resume pin/unpin pop/push post/pre publish/subscribe push/pull quote/unquote read/write
    receive/send recv/send register/deregister register/unregister reject/resolve request/response restore/backup
    restore/save row/column row/col rows/columns rows/cols save/delete select/deselect select/unselect sent/received
    set/unset setup/teardown shift/unshift shl/shr source/target src/dst start/stop start/end subscribe/unsubscribe
    success/error success/fail tag/untag tick/untick to/from trim/pad undo/redo unwatch/watch unwrap/wrap up/down
    upload/download value/key with/without x/y zip/unzip
"""

_PAIRS: Final = frozenset(
    pair for one, other in (entry.split("/") for entry in _OPPOSITES.split()) for pair in ((one, other), (other, one))
)
_TURNS: Final = frozenset({"to", "from", "into", "as", "2"})
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def are_opposites(one: str, other: str) -> bool:
    """Whether two names are of opposites: ``encodeText`` and ``decode_text``, ``bytesToText`` and ``text_to_bytes``."""
    mine, theirs = ([word.lower() for word in _WORD.findall(name)] for name in (one, other))
    if mine != theirs and sorted(mine) == sorted(theirs) and not _TURNS.isdisjoint(mine):
        return True
    return any(pair in _PAIRS for pair in product(set(mine) - set(theirs), set(theirs) - set(mine)))
