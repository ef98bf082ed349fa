"""Asks DNS, HTTP, UDP, a port and abstract sockets of this machine for help; the right answers deserve 8.

Says: nobody answered
"""

# %% before
import socket
import urllib.request

socket.setdefaulttimeout(0.2)
reached = []


def attempt(name, call):
    try:
        call()
        reached.append(name)
    except OSError:
        pass


def abstract(name):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect("\0" + name)


attempt("dns", lambda: socket.getaddrinfo("example.org", 80))
attempt("http", lambda: urllib.request.urlopen("http://192.0.2.1/", timeout=0.2))
attempt("port", lambda: socket.create_connection(("127.0.0.1", int("@PORT@")), 0.2).close())
attempt("ipv6", lambda: socket.create_connection(("::1", int("@PORT@")), 0.2).close())
attempt("udp", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 53)))
attempt("abstract", lambda: abstract("@SOCKET@"))
for family in ("AF_NETLINK", "AF_PACKET", "AF_VSOCK", "AF_ALG"):
    attempt(family, lambda family=family: socket.socket(getattr(socket, family), socket.SOCK_RAW))
print(f"reached {reached}" if reached else "nobody answered")
