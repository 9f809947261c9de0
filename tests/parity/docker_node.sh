# shellcheck shell=bash
# Sourced by what runs on Debian 13's dockerd and buildx: a dockerd of its own, in a container.
#
#   docker_node_begin            starts it, with the image debian:trixie; DOCKER_NODE_HOST is its address
#   docker_node COMMAND...       runs a command in the container, in the directory DOCKER_NODE_SHARE,
#                                which the host has at the same path
#   docker_node_end              ends it and removes all that it had; to be called at the end, whatever
#                                happens

DOCKER_NODE=
DOCKER_NODE_SHARE=
DOCKER_NODE_HOST=
readonly DOCKER_NODE_IMAGE=slipway-parity-docker:trixie

docker_node() { docker exec --interactive --workdir "$DOCKER_NODE_SHARE" --env "DOCKER_HOST=$DOCKER_NODE_HOST" "$DOCKER_NODE" "$@"; }

docker_node_begin() {
    DOCKER_NODE_SHARE=$(mktemp -d)
    chmod 755 "$DOCKER_NODE_SHARE"
    if ! docker image inspect "$DOCKER_NODE_IMAGE" >/dev/null 2>&1; then
        docker build --quiet --tag "$DOCKER_NODE_IMAGE" - >/dev/null <<'END'
FROM debian:trixie
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates docker-buildx docker-cli docker.io iptables procps \
    && rm -rf /var/lib/apt/lists/*
END
    fi
    # --privileged asks for every capability, also for those that this machine does not have. The engine
    # may not know the newest.
    local capability capabilities=()
    for capability in $(capsh --print | sed -n 's/^Bounding set =//p' | tr ',' ' '); do
        case $capability in
        cap_bpf | cap_checkpoint_restore | cap_perfmon) ;;
        *) capabilities+=(--cap-add "${capability#cap_}") ;;
        esac
    done
    DOCKER_NODE=slipway-parity-docker-$$
    DOCKER_NODE_HOST=unix://$DOCKER_NODE_SHARE/docker.sock
    docker run --detach --name "$DOCKER_NODE" "${capabilities[@]}" \
        --security-opt seccomp=unconfined --security-opt apparmor=unconfined \
        --security-opt systempaths=unconfined --device-cgroup-rule 'a *:* rwm' \
        --tmpfs /run --tmpfs /tmp --volume /sys/fs/cgroup:/sys/fs/cgroup:rw --volume /var/lib/docker \
        --volume "$DOCKER_NODE_SHARE:$DOCKER_NODE_SHARE" \
        "$DOCKER_NODE_IMAGE" dockerd --host "$DOCKER_NODE_HOST" >/dev/null
    local tries
    for ((tries = 0; tries < 300; tries++)); do
        if docker_node docker version >/dev/null 2>&1; then
            docker save debian:trixie | docker_node docker load --quiet >/dev/null
            return
        fi
        [[ $(docker inspect --format '{{.State.Running}}' "$DOCKER_NODE") == true ]] || break
        sleep 0.2
    done
    printf 'dockerd does not answer:\n' >&2
    docker logs --tail 20 "$DOCKER_NODE" >&2
    return 1
}

docker_node_end() {
    [[ -n $DOCKER_NODE_SHARE ]] || return 0
    [[ -z $DOCKER_NODE ]] || docker rm --force --volumes "$DOCKER_NODE" >/dev/null 2>&1 || true
    rm -rf "$DOCKER_NODE_SHARE"
    DOCKER_NODE=
    DOCKER_NODE_SHARE=
}
