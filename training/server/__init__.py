"""The server that travels with every model: NumPy, ONNX Runtime and the standard library, nothing of Retide."""

import os

# ONNX Runtime's official builds report to their maker unless told otherwise before they are imported; a job or an
# endpoint talks to nobody, and leaves no file of a reporter in a temporary folder.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
