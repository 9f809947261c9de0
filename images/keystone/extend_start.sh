# shellcheck shell=bash
# Sourced by kolla_start. With KOLLA_BOOTSTRAP in the environment the database
# is brought to this release's schema, and that is all.
if [[ -n "${KOLLA_BOOTSTRAP+set}" ]]; then
    keystone-manage db_sync
    exit 0
fi

# A process identifier left by a killed container would keep Apache from starting.
rm -f /run/apache2/apache2.pid
