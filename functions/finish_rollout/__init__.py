"""The Lambda function `finish_rollout`: its entry is handler.py."""
