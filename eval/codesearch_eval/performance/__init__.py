"""Speed and memory of the product, measured from outside.

::

    efficiency.py      indexing, encoding, asking, memory, disk
    peers.py           the same questions to grep and to another tool
    edits.py           an update after a few edits
    lsp_latency.py     the language server while files are saved
    lsp_client.py      the client that asks it
    picker_latency.py  ``ask -i``, from a key to the results
    duplicates.py      ``codesearch duplicates``
    scale.py           all of that as an index grows
    large_trees.py     the trees for it, of any number of chunks
    neighbours.py      exact search against graphs
    throughput.py      the encoder on a CPU
    devices.py         the encoder on a GPU
    api_overhead.py    what the Python API adds to a search
    child.py           child processes, timed and weighed
"""
