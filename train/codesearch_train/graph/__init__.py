"""The network as an ONNX graph; docs/design/onnx-graph.md says when to touch it.

::

    onnx_graph.py   the graph, node by node, in float32 or 8 bits
    graph_files.py  a graph on disk
"""
