"""What the Makefile calls: set-up, locks and bundles."""
