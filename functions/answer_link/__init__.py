"""The Lambda function `answer_link`: its entry is handler.py."""
