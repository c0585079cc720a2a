"""The Lambda function `dispatch`: its entry is handler.py."""
