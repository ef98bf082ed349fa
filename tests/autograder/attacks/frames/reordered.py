"""Gives the answers in another order, each with the nonce that it belongs to; what was answered before deserves at
most 8.

Says: an answer to another request
"""

# %% helpers

# %% before
server = the_server()
real, kept = server._send, []


def late(channel, tree, arrays, nonce, **options):
    kept.append((tree, arrays, nonce))
    real(channel, *kept[-2 if len(kept) > 2 else -1], **options)


server._send = late
