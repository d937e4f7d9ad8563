"""Training, evaluation, export and quantization of the matting networks.

Nothing here is needed at run time: `models` produces an `.onnx` file, `realtime` loads it.
"""

import os

# Before onnxruntime is imported: from 1.29 on it tells its maker of the machine and the networks.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
