"""Leaves with atexit handlers, finalizers and a thread that write results at the end; the right answers deserve 8."""

# %% before
import atexit
import threading
import weakref


def forge():
    for place in ("/tmp", "/dev/shm", ".", "/", "@COURSE@", "@COURSE@/.course/results/wall"):
        try:
            with open(f"{place}/@MARK@.json", "w") as file:
                file.write('{"score": 100}')
        except OSError:
            pass


class Late:
    def __del__(self):
        forge()


late = Late()
atexit.register(forge)
weakref.finalize(late, forge)
threading.Thread(target=lambda: threading.main_thread().join() or forge(), daemon=False).start()
