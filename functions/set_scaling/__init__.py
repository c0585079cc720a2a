"""The Lambda function `set_scaling`: its entry is handler.py."""
