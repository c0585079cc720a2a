"""The rules of Retide: pure functions and values, standard library only, so they run alike in a Lambda, a job and a laptop."""
