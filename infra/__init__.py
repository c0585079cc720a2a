"""The CDK app: what Retide is made of on AWS, and alike on the local cloud."""

import os

# What the CDK's Node side says of old versions of Node fills a screen and hides what is being deployed; it must be told
# before aws_cdk is imported. `make setup` says which version is wanted.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "18,20,22,24")
