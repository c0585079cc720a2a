"""The Lambda function `clean_up`: its entry is handler.py."""
