"""The Lambda function `keep_captures`: its entry is handler.py."""
