"""Leaves a double-forked daemon that ignores signals and writes until it is ended; the right answers deserve 8."""

# %% before
import os
import signal

if not os.fork():
    os.setsid()
    if not os.fork():
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, signal.SIG_IGN)
        while True:
            with open("/tmp/@MARK@", "a") as file:
                file.write("here")
            signal.sigtimedwait([signal.SIGUSR1], 0.01)
    os._exit(0)
os.wait()
