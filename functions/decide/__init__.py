"""The Lambda function `decide`: its entry is handler.py."""
