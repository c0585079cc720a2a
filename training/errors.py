"""The one error that a job explains in its own words: its text becomes the job's failure reason."""


class JobError(Exception):
    """One plain sentence: what is wrong, where, with which value, and what to do next."""
