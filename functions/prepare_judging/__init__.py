"""The Lambda function `prepare_judging`: its entry is handler.py."""
