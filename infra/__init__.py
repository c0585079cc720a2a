"""The CDK app: what Retide is made of on AWS, and alike on the local cloud."""
