"""The demo: Retide's whole story, run for real on scikit-learn's bundled data."""
