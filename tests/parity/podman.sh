# shellcheck shell=bash
# Sourced by what runs on Podman: a Podman of its own, apart from the host's, behind a socket.
#
#   podman_begin     starts it, with Docker's image debian:trixie; PODMAN_HOST is its address
#   podman_ OPTIONS  the podman command on its containers and images
#   podman_end       ends it and removes all that it had; to be called at the end, whatever happens

PODMAN_PLACE=
PODMAN_SERVICE=
PODMAN_HOST=

podman_() { podman --root "$PODMAN_PLACE/root" --runroot "$PODMAN_PLACE/run" "$@"; }

podman_begin() {
    if ! { command -v podman && command -v runc; } >/dev/null; then ./scripts/engine --package podman runc; fi
    PODMAN_PLACE=$(mktemp -d)
    # Without systemd there is no other manager of cgroups; Podman's own limits may be above ours.
    cat >"$PODMAN_PLACE/containers.conf" <<EOT
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
EOT
    export CONTAINERS_CONF=$PODMAN_PLACE/containers.conf
    docker save debian:trixie | podman_ load --quiet >/dev/null
    # A group of its own: the service's children end with it.
    setsid podman --root "$PODMAN_PLACE/root" --runroot "$PODMAN_PLACE/run" \
        system service --time 0 "unix://$PODMAN_PLACE/podman.sock" >"$PODMAN_PLACE/log" 2>&1 &
    PODMAN_SERVICE=$!
    # shellcheck disable=SC2034 # for the caller
    PODMAN_HOST=unix://$PODMAN_PLACE/podman.sock
    local tries
    for ((tries = 0; tries < 100; tries++)); do
        [[ -S $PODMAN_PLACE/podman.sock ]] && return
        kill -0 "$PODMAN_SERVICE" 2>/dev/null || break
        sleep 0.1
    done
    printf 'podman does not answer:\n' >&2
    tail -n 20 "$PODMAN_PLACE/log" >&2
    return 1
}

podman_end() {
    [[ -n $PODMAN_PLACE ]] || return 0
    podman_ rm --all --force --time 0 >/dev/null 2>&1 || true
    if [[ -n $PODMAN_SERVICE ]]; then
        kill "$PODMAN_SERVICE" 2>/dev/null || true
        wait "$PODMAN_SERVICE" 2>/dev/null || true
    fi
    local mount
    while read -r mount; do
        umount --lazy "$mount" 2>/dev/null || true
    done < <(awk -v place="$PODMAN_PLACE/" 'index($2, place) == 1 { print $2 }' /proc/mounts | sort -r)
    rm -rf "$PODMAN_PLACE"
    PODMAN_PLACE=
    PODMAN_SERVICE=
}
