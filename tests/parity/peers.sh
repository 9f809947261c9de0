# shellcheck shell=bash
# Sourced by the parts of scripts/parity and scripts/bench: fetches what Slipway is compared with.

readonly PEERS=$PWD/${CARGO_TARGET_DIR:-target}/peers

say() { printf '%s: %s\n' "$PART" "$*"; }
fail() {
    printf '%s: error: %s\n' "$PART" "$*" >&2
    exit 1
}

# Sets SLIPWAY_BIN to the slipway that is compared: the one it names already, or a build for
# development. Features are those of the packages that cargo is told of, so that a build of this
# package alone shares little with what `cargo test --workspace` has built: scripts/test names its own.
build_slipway() {
    [[ -z ${SLIPWAY_BIN-} ]] || return 0
    cargo build --quiet --locked --package slipway
    SLIPWAY_BIN=$PWD/${CARGO_TARGET_DIR:-target}/debug/slipway
}

# example PACKAGE NAME: prints the path of a package's example, beside the slipway that is compared.
example() {
    local path
    path=$(dirname "$SLIPWAY_BIN")/examples/$2
    [[ -x $path ]] || cargo build --quiet --locked --package "$1" --example "$2"
    printf '%s\n' "$path"
}

# Sees to a Python with pip.
ensure_python() {
    python3 -m pip --version >/dev/null 2>&1 || ./scripts/engine --package python3 python3-pip python3-venv
}

# peer NAME [PIP OPTION]... PACKAGE...: unpacks packages into target/peers/NAME, once.
peer() {
    local place=$PEERS/$1
    shift
    if [[ ! -e $place/.complete ]]; then
        ensure_python
        say "fetching ${*: -1}"
        rm -rf "$place"
        mkdir -p "$PEERS"
        python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore \
            --target "$place" "$@" >"$place.log" 2>&1 || { tail -n 20 "$place.log" >&2; fail "cannot fetch ${*: -1}"; }
        touch "$place/.complete"
    fi
}

# peer_source NAME-VERSION [PYTHON]: unpacks a package's source into target/peers/NAME-VERSION, once.
peer_source() {
    local place=$PEERS/$1 name=${1%-*} version=${1##*-} python=${2:-python3} download
    if [[ ! -e $place/.complete ]]; then
        ensure_python
        say "fetching $name $version"
        rm -rf "$place"
        mkdir -p "$place"
        download=$(mktemp -d)
        # Old packages want an old setuptools to tell what they are.
        echo 'setuptools<60' >"$download/constraint"
        PIP_CONSTRAINT=$download/constraint PIP_BUILD_CONSTRAINT=$download/constraint \
            "$python" -m pip download --quiet --disable-pip-version-check \
            --no-deps --no-binary "$name" --dest "$download" "$name==$version" >"$place.log" 2>&1 ||
            { tail -n 20 "$place.log" >&2; fail "cannot fetch $name $version"; }
        tar -x -z -f "$download"/*.tar.gz -C "$place" --strip-components 1
        rm -r "$download"
        touch "$place/.complete"
    fi
}

# The script that a Kolla 23.0.0 image starts with, and a Python that can run it.
kolla_set_configs_of_upstream() {
    peer kolla-23.0.0 --no-deps kolla==23.0.0
    peer pyyaml pyyaml==6.0.2
    export PARITY_SET_CONFIGS=$PEERS/kolla-23.0.0/kolla/docker/base/set_configs.py
    export PARITY_PYTHON=python3
    export PYTHONPATH=$PEERS/pyyaml
    [[ -r $PARITY_SET_CONFIGS ]] || fail "Kolla 23.0.0 has no $PARITY_SET_CONFIGS"
}

# kolla VERSION: installs kolla-build of a release into target/peers/kolla-build-VERSION, once, and
# leaves that prefix in KOLLA_PREFIX. What releases depend on is shared: one directory of packages
# for those up to 12, whose templates want an old Jinja2, one for the others.
kolla() {
    local era=new place=$PEERS/kolla-build-$1 site
    ((${1%%.*} <= 12)) && era=old
    case $era in
    old) peer kolla-needs-old 'jinja2<3.1' 'markupsafe<2.1' 'setuptools<70' 'docker<7' 'requests<2.29' 'urllib3<2' \
        graphviz GitPython oslo.config pbr six netaddr ;;
    new) peer kolla-needs-new 'setuptools<70' docker podman requests graphviz Jinja2 GitPython oslo.config pbr ;;
    esac
    if [[ ! -e $place/.complete ]]; then
        say "fetching kolla $1"
        rm -rf "$place"
        ensure_python
        python3 -c 'import venv' 2>/dev/null || ./scripts/engine --package python3-venv
        python3 -m venv --without-pip "$place"
        # kolla-build finds its templates through the prefix it is installed under.
        python3 -m pip --python "$place" install --quiet --disable-pip-version-check \
            --root-user-action ignore --no-deps --no-compile "kolla==$1" >"$place.log" 2>&1 ||
            { tail -n 20 "$place.log" >&2; fail "cannot fetch kolla $1"; }
        site=$(echo "$place"/lib/python3*/site-packages)
        # Relative, so the directory of peers can be shared and moved.
        echo "../../../../kolla-needs-$era" >"$site/needs.pth"
        touch "$place/.complete"
    fi
    # shellcheck disable=SC2034 # for the caller
    KOLLA_PREFIX=$place
}

# Heat's own classes, in a Python of their own at target/peers/heat, whose pip is new enough for
# the sources of every release of the templates.
heat_of_upstream() {
    local place=$PEERS/heat
    if [[ ! -e $place/.complete ]]; then
        # Debian's Python makes no venv without this.
        python3 -c 'import ensurepip' 2>/dev/null || ./scripts/engine --package python3 python3-pip python3-venv
        say "fetching openstack-heat 27.0.1"
        rm -rf "$place"
        python3 -m venv "$place"
        {
            "$place/bin/pip" install --quiet --upgrade pip
            "$place/bin/pip" install --quiet --disable-pip-version-check openstack-heat==27.0.1 'setuptools<81'
        } >"$place.log" 2>&1 || { tail -n 20 "$place.log" >&2; fail "cannot fetch openstack-heat 27.0.1"; }
        touch "$place/.complete"
    fi
}

# heat_templates VERSION: that release of TripleO's templates, processed by their own tool, in
# target/peers/templates-VERSION.
heat_templates() {
    local source=$PEERS/tripleo-heat-templates-$1 place=$PEERS/templates-$1
    heat_of_upstream
    peer_source "tripleo-heat-templates-$1" "$PEERS/heat/bin/python"
    if [[ ! -e $place/.complete ]]; then
        rm -rf "$place"
        (cd "$source" && "$PEERS/heat/bin/python" tools/process-templates.py --output-dir "$place") >"$place.log" 2>&1 ||
            { tail -n 20 "$place.log" >&2; fail "cannot process the templates of $1"; }
        touch "$place/.complete"
    fi
}

# container-puppet.py, and the Python packages it runs with.
container_puppet() {
    peer paunch-7.0.4 paunch==7.0.4 cliff==4.17.0 cmd2==4.3.1
    tripleo_heat_templates 10.6.2
    export CONTAINER_PUPPET=$PEERS/tripleo-heat-templates-10.6.2/common/container-puppet.py
    [[ -r $CONTAINER_PUPPET ]] || fail "tripleo-heat-templates 10.6.2 has no $CONTAINER_PUPPET"
}

# tripleo_heat_templates VERSION: as peer_source, by a newer pip than Debian 12 has, which cannot
# prepare this package, and an older one than those that do not hand constraints on.
tripleo_heat_templates() {
    local python=$PEERS/pip/bin/python
    if [[ ! -x $python ]]; then
        ensure_python
        python3 -m venv "$PEERS/pip"
        "$python" -m pip install --quiet --disable-pip-version-check --upgrade pip==24.3.1
    fi
    peer_source "tripleo-heat-templates-$1" "$python"
}

# pypi_source NAME-VERSION: as peer_source, for packages that want today's setuptools.
pypi_source() {
    heat_of_upstream
    local place=$PEERS/$1 name=${1%-*} version=${1##*-} download
    if [[ ! -e $place/.complete ]]; then
        say "fetching $name $version"
        rm -rf "$place"
        mkdir -p "$place"
        download=$(mktemp -d)
        PIP_CONSTRAINT='' "$PEERS/heat/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps \
            --no-binary "$name" --dest "$download" "$name==$version" >"$place.log" 2>&1 ||
            { tail -n 20 "$place.log" >&2; fail "cannot fetch $name $version"; }
        tar -x -z -f "$download"/*.tar.gz -C "$place" --strip-components 1
        rm -r "$download"
        touch "$place/.complete"
    fi
}
