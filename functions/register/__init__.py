"""The Lambda function `register`: its entry is handler.py."""
