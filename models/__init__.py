"""Training, evaluation, export and quantization of the matting networks.

Nothing here is needed at run time: `models` produces an `.onnx` file, `realtime` loads it.
"""
