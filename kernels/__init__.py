"""Fast pure functions of arrays (numpy and numba only); each has a slow twin in the tests."""
