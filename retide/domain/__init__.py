"""The rules of Retide: pure functions and values of the standard library, alike in a Lambda, a job and a laptop."""
