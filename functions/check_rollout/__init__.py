"""The Lambda function `check_rollout`: its entry is handler.py."""
