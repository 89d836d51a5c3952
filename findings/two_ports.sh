#!/bin/sh
# asyncio of Python 3.11.2: a server on all addresses (host=None) and any free port (port=0).
#
# Guess: it has one port, the same for IPv4 and for IPv6.
# What happens: it opens a socket for each family, and each asks the system for a free port of
# its own. The usual `server.sockets[0].getsockname()[1]` is the port of only one family, so
# clients that come by the other find nothing there, or another program. (One socket for both
# families would do, as would asking for the port once.)
#
# Seen in November 2026, twice:
#     sockets: 2
#     the same port: False
#
# Needs Debian 12 (apt-get), IPv4 and IPv6. Status 1: it is different now; 77: one of these is
# missing.
set -eu
for tool in apt-get dpkg-deb; do
    command -v "$tool" > /dev/null || { echo "skipped: no $tool"; exit 77; }
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

apt-get download -qq -o APT::Sandbox::User=root python3.11-minimal libpython3.11-minimal \
    libpython3.11-stdlib > apt.log 2>&1 ||
    { cat apt.log; echo "skipped: Python 3.11 cannot be installed"; exit 77; }
for package in ./*.deb; do
    dpkg-deb -x "$package" root
done
python="env PYTHONHOME=$folder/root/usr root/usr/bin/python3.11"
version=$($python --version)
if [ "$version" != "Python 3.11.2" ]; then
    echo "skipped: this is $version, not Python 3.11.2"
    exit 77
fi

cat > server.py << 'END'
import asyncio
import sys


async def main():
    server = await asyncio.start_server(lambda reader, writer: None, host=None, port=0)
    ports = [socket.getsockname()[1] for socket in server.sockets]
    if len(ports) == 1:
        sys.exit(77)
    print("sockets:", len(ports))
    print("the same port:", len(set(ports)) == 1)
    server.close()


asyncio.run(main())
END
status=0
$python server.py > seen || status=$?
cat seen
if [ "$status" -eq 77 ]; then
    echo "skipped: this machine has only one of IPv4 and IPv6"
    exit 77
fi

cat > expected << 'END'
sockets: 2
the same port: False
END
diff expected seen
