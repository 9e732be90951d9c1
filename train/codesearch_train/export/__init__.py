"""From trained weights to what ships: the ONNX graph, 8-bit rounding, and the check that nothing was lost."""
