"""The Lambda function `prepare_rollout`: its entry is handler.py."""
