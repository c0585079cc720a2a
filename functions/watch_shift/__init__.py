"""The Lambda function `watch_shift`: its entry is handler.py."""
