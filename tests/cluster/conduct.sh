# shellcheck shell=bash
# shellcheck disable=SC2153,SC2154 # names that tests/cluster/run sets
# Sourced by tests/cluster/run: slipway deploy, update, upgrade, ffu and status over the nodes of an exported project.

# slipway_on NAME COMMAND [OPTION]...: runs a command on the site. Its result is in $work/NAME.json, its progress
# in $work/NAME.
slipway_on() {
    local name=$1 command=$2
    shift 2
    PYTHONPATH=$ANSIBLE ANSIBLE_HOME=$work/home "$SLIPWAY_BIN" --format json "$command" --site "$work/site" \
        --ansible-playbook "$ANSIBLE/bin/ansible-playbook" "$@" >"$work/$name.json" 2>"$work/$name"
}

# succeeds NAME COMMAND [OPTION]...: as slipway_on; a failure ends the test.
succeeds() {
    slipway_on "$@" && return
    tail -n 40 "$work/$1" >&2
    fail "$1: slipway $2 failed"
}

# changes NAME: prints each node and what changed on it, from a plan or a result.
changes() {
    python3 - "$work/$1.json" <<'EOT'
import json, sys
data = json.load(open(sys.argv[1]))
if 'nodes' in data:
    found = [(node, change) for node, changes in data['nodes'].items() for change in changes]
else:
    # A plan does not count the files that it puts on nodes.
    found = [(one['node'], change) for one in data['results'] if one['part'] != 'prepare' for change in one['changes']]
print('\n'.join(sorted('%s %s' % pair for pair in found)))
EOT
}

# unchanged NAME: no part of a run changed anything.
unchanged() { ! grep -q '"result": "changed"' "$work/$1.json"; }

version_on() {
    node "$1" docker inspect web --format '{{.Config.Env}}' | grep -o 'WEB_VERSION=[0-9]*'
}

set_version() {
    sed -i "s/WEB_VERSION=.*/WEB_VERSION=$1/" "$work/services/web.yaml"
    export_site
}

node_file() { node "$2" cat "$1"; }

markers() { node "$1" sh -c 'cat /root/ffu 2>/dev/null || true'; }

conduct() {
    local before pid status first
    say "slipway deploy, update, ffu and status with ansible-core $1"
    rm -rf "$work/site" "$work/services"
    cp -r tests/cluster/conduct "$work/services"
    cp tests/cluster/services/cache.yaml "$work/services"
    (cat "$NODES/nodes.yaml"; echo 'releases: [ocata, pike, queens]') >"$work/nodes.yaml"
    export_site
    both forget
    for number in 1 2; do node "$number" rm -rf /root/ffu /root/fail-update /root/post-update /root/upgrade; done

    succeeds fresh deploy --report "$work/fresh.html"
    for number in 1 2; do
        check "deploy --site starts the containers of node $number" test \
            "$(containers "$number" | cut -d ' ' -f 1 | xargs)" = 'cache web'
    done
    check "the report names the nodes" grep -q "$NAME-2" "$work/fresh.html"
    before=$(both containers)
    succeeds unchanged deploy
    check "deploy --site changes nothing the second time" unchanged unchanged
    check "and leaves the containers" test "$(both containers)" = "$before"

    set_version 2
    succeeds foreseen deploy --plan
    check "--plan changes nothing" test "$(both containers)" = "$before"
    succeeds changed deploy
    check "--plan named a change on each node" test "$(changes foreseen | grep -c 'step 1: replace web')" -eq 2
    check "what changed is what --plan named" test "$(changes changed)" = "$(changes foreseen)"

    set_version 3
    node 2 touch /root/fail-update
    status=0
    slipway_on roll update || status=$?
    check "an update that fails on node 2 ends with 1" test "$status" -eq 1
    check "node 1 is updated" test "$(version_on 1)" = WEB_VERSION=3
    check "node 2 is as it was" test "$(version_on 2)" = WEB_VERSION=2
    check "post_update_tasks did not run" node 1 test ! -e /root/post-update
    first=$(containers 1)
    node 2 rm /root/fail-update
    succeeds resumed update --resume
    check "--resume updates node 2" test "$(version_on 2)" = WEB_VERSION=3
    check "--resume leaves node 1" test "$(containers 1)" = "$first"
    check "--resume does not prepare node 1 again" test \
        "$(grep -c "\"end\".*\"update\",\"part\":\"slipway_prepare\".*$NAME-1" "$work/site/.slipway/journal")" -eq 1
    check "post_update_tasks ran" node 1 grep -q 1 /root/post-update
    succeeds state status
    check "status knows the containers" grep -q '"containers": 3' "$work/state.json"
    check "status has nothing due" test "$(grep -c '"due": \[\]' "$work/state.json")" -eq 2

    set_version 4
    succeeds upgraded upgrade
    check "an upgrade brings both nodes to the new version" test "$(both version_on | xargs)" = 'WEB_VERSION=4 WEB_VERSION=4'
    for number in 1 2; do
        check "tasks of an upgrade ran in order on node $number" test \
            "$(node "$number" cut -d ' ' -f -2 /root/upgrade | paste -sd,)" = 'batch 1,upgrade 2,post 0'
    done
    check "the first node is the bootstrap node" test \
        "$(both node_file /root/upgrade | grep upgrade | xargs)" = 'upgrade 2 True upgrade 2 False'

    # Killed between the first prep step of the second release and its end.
    PYTHONPATH=$ANSIBLE ANSIBLE_HOME=$work/home "$SLIPWAY_BIN" ffu --site "$work/site" \
        --ansible-playbook "$ANSIBLE/bin/ansible-playbook" >"$work/killed" 2>&1 &
    pid=$!
    until markers 1 | grep -q 'pike 0'; do
        kill -0 "$pid" 2>/dev/null || { cat "$work/killed" >&2; fail "ffu ended too early"; }
        sleep 0.2
    done
    status=0
    slipway_on excluded deploy --no-wait || status=$?
    check "a second run on the site is refused" test "$status" -eq 4
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null || true
    succeeds ffu ffu --resume
    check "ocata was not run again" test "$(markers 1 | grep -c 'ocata 0')" -eq 1
    check "prep steps ran on both nodes, bootstrap steps on one, releases in order" test \
        "$(markers 1 | uniq | paste -sd,)" = \
        'ocata 0,ocata 4 of ocata {{ not evaluated }},pike 0,pike 4 of pike {{ not evaluated }},queens post'
    check "node 2 has no bootstrap step" test "$(markers 2 | uniq | paste -sd,)" = 'ocata 0,pike 0,queens post'

    # Nothing listens on this port of the last node.
    (cat "$NODES/nodes.yaml"; echo '      ansible_port: 1') >"$work/nodes.yaml"
    export_site
    status=0
    slipway_on unreachable deploy || status=$?
    check "a node that does not answer ends the run" test "$status" -eq 1
    check "and is named at the beginning" grep -q "$NAME-2 does not answer" "$work/unreachable"
    check "and no node is touched" test "$(grep -c '"part": "prepare"' "$work/unreachable.json")" -eq 0
    succeeds limited deploy --plan --limit "$NAME-1"
    check "--limit does not ask other nodes" test "$(grep -c "$NAME-2" "$work/limited.json")" -eq 0

    check "no secret is in the journal, in what Ansible printed, in results" no_secret "$work/site/.slipway" \
        "$work"/*.json "$work"/fresh* "$work/roll" "$work/foreseen" "$work/changed" "$work/ffu" "$work/killed"
    check "the journal is private" test "$(stat -c %a "$work/site/.slipway/journal")" = 600
    rm -rf "$work/services" "$work/site"
    cp "$NODES/nodes.yaml" "$work/nodes.yaml"
}
