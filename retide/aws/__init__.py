"""The ports on AWS: boto3 is used here and nowhere else among the parts that run in Lambda."""
