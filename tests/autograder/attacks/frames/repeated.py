"""Sends each answer twice, so that the second might count for the next question; it deserves at most 0.

Says: nobody asked for
"""

# %% helpers

# %% before
server = the_server()
real = server._send


def twice(channel, *answer, **options):
    real(channel, *answer, **options)
    real(channel, *answer, **options)


server._send = twice
