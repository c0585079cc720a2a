"""The Lambda function `gate`: its entry is handler.py."""
