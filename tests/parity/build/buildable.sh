# shellcheck shell=bash
# Sourced after peers.sh: four images of Kolla 23.0.0 that can be built from Debian's packages alone.

# shellcheck disable=SC2034 # for the caller
readonly FOUR=(base cron dnsmasq memcached) TAG=23.0.0

# buildable WORK: the release's templates in WORK/docker and an override beside them. Kolla's base
# image fetches a repository and keys that these images do not need, from places beyond Debian's:
# left out, so that Debian's packages are all it takes.
buildable() {
    cp -r "$(echo "$KOLLA_PREFIX"/lib/python3*/site-packages/kolla)/docker" "$1/docker"
    sed -i '/^RUN apt update/,/^ && apt clean/d' "$1/docker/base/Dockerfile.j2"
    cat >"$1/override.j2" <<'END'
{% extends parent_template %}
{% block base_ubuntu_package_key_installation %}{% endblock %}
{% set base_apt_packages_append = ['puppet'] %}
END
}

# configuration WORK NAMESPACE: kolla-build's configuration for them, in WORK/NAMESPACE.conf.
configuration() {
    cat >"$1/$2.conf" <<END
[DEFAULT]
base = debian
base_image = debian
base_tag = trixie
namespace = $2
tag = $TAG
template_override = $1/override.j2
docker_dir = $1/docker
network_mode = host
pull = false
summary_json_file = $1/$2.json
END
}
