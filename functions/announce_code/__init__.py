"""The Lambda function `announce_code`: its entry is handler.py."""
