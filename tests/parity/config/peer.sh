# shellcheck shell=bash
# Sourced by what runs container-puppet.py: its paths are written into it, and here it gets others.

# log_socket PATH: a log's socket, which the script needs; its process id is in log_socket.
log_socket() {
    python3 -c 'import socket, sys
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind(sys.argv[1])
while True:
    log.recv(65536)' "$1" &
    # shellcheck disable=SC2034 # for the caller
    log_socket=$!
}

# peer_under ROOT SOCKET: prints the script with its paths under a root. Certificates are mounted
# where its distribution has them, and this host has not.
peer_under() {
    sed -e "s#'/usr/bin/' + container_cli#'$(command -v docker)'#" \
        -e "s#^PUPPETS = .*#PUPPETS = '$1/empty:/mnt/modules:ro'#" \
        -e "s#/var/lib/container-puppet#$1&#g" \
        -e "s#'/etc/puppet/:#'$1/etc/puppet/:#" \
        -e '/\/etc\/pki/d' -e "s#/dev/log:/dev/log:rw#$2:/dev/log:rw#" \
        "$CONTAINER_PUPPET"
}

# root_for ROOT: the directories that either tool expects, with hiera's data.
root_for() {
    mkdir -p "$1"/{etc,empty,var/lib/config-data,var/lib/tripleo-config,var/lib/container-puppet/puppetlabs}
    cp -r tests/parity/config/etc-puppet "$1/etc/puppet"
    echo 'facts: {}' >"$1/var/lib/container-puppet/puppetlabs/facter.conf"
}
