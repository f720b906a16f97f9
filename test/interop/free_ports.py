"""Prints as many free loopback ports as the first argument says, on one line."""

import socket
import sys


def free_ports(count):
    """All sockets stay open until every port is known, so that no port comes twice."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


if __name__ == "__main__":
    print(*free_ports(int(sys.argv[1])))
