"""What a finished run leaves for other programs: ONNX graphs, vectors, and its splits."""
