"""The server that travels with every model: NumPy, ONNX Runtime and the standard library, nothing of Retide."""
