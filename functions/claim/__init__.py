"""The Lambda function `claim`: its entry is handler.py."""
