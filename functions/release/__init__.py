"""The Lambda function `release`: its entry is handler.py."""
