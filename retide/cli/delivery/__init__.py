"""What became of a pushed commit: the checkout's git, the pipeline and the ledgers, read together and told in words."""
