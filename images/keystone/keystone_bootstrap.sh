#!/bin/bash
# Makes Keystone's first administrator, once the service runs. The variables
# keystone-manage reads (OS_BOOTSTRAP_PASSWORD and its like) come from a file
# that the configuration put in place: a process's arguments and a container's
# environment are there for others to read.
set -o errexit -o nounset -o pipefail

settings=${1:-/etc/keystone/bootstrap.env}
if [[ ! -r "$settings" ]]; then
    echo "$settings: not there, or not for $(id -un) to read" >&2
    exit 1
fi
set -o allexport
# shellcheck source=/dev/null
. "$settings"
set +o allexport
exec keystone-manage bootstrap
