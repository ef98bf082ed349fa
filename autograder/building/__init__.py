"""The steps that `autograder.build` takes, one a module."""
