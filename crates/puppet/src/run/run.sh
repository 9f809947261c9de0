#!/bin/sh
# Runs Puppet in a container of a config image, and copies out the files that it made.
#
#   /slipway/in        manifest, tags, the step's data; hiera.yaml, if Slipway wrote the hiera data;
#                      facts.json, if an earlier run collected the facts; read-only
#   /slipway/modules   Slipway's Puppet modules; read-only
#   /slipway/compiled  Ruby code that an earlier run of this image compiled; read-only
#   /slipway/out       lookups, facts.json, compiled; for a volume also full/ and touched
#   /tmp/puppet-etc    the deployment's /etc/puppet; read-only
#
# Exit codes: 90 if Puppet is missing, 91 if the result cannot be copied out, otherwise Puppet's.

in=/slipway/in
out=/slipway/out
# Puppet wrote every file that is newer than this one.
origin=/tmp/slipway-origin

puppet=$(command -v puppet 2>/dev/null) || exit 90

mkdir -p /etc/puppet
if [ -d /tmp/puppet-etc ]; then
    cp -dR /tmp/puppet-etc/. /etc/puppet/ || exit 91
fi
rm -rf /etc/puppet/ssl
mkdir -p /etc/puppet/hieradata
cp "$in/docker_puppet.json" /etc/puppet/hieradata/ || exit 91

touch "$origin"

export FACTER_deployment_type=containers
if [ -r "$in/hostname" ]; then
    FACTER_hostname=$(cat "$in/hostname")
    export FACTER_hostname
fi
if [ -r /sys/class/dmi/id/product_uuid ]; then
    FACTER_uuid=$(tr '[:upper:]' '[:lower:]' </sys/class/dmi/id/product_uuid)
    export FACTER_uuid
fi

modulepath=/etc/puppet/modules:/etc/puppet/code/modules:/slipway/modules
modulepath=$modulepath:/usr/share/openstack-puppet/modules
modulepath=$modulepath:/usr/share/slipway/puppet/modules:/usr/share/puppet/modules

set -- apply --detailed-exitcodes --color=false --logdest console \
    --modulepath "$modulepath" --tags "$(cat "$in/tags")"
if [ -e "$in/check-mode" ]; then
    set -- "$@" --hiera_config /etc/puppet/check-mode/hiera.yaml
elif [ -e "$in/hiera.yaml" ]; then
    set -- "$@" --hiera_config "$in/hiera.yaml"
fi
# Run Puppet through puppet.rb if the command is a Ruby script, and not a shell script.
ruby=$(sed -n '1s/^#! *\(.*ruby[0-9.]*\)$/\1/p' "$puppet" 2>/dev/null)
if [ -n "$ruby" ]; then
    [ -e "$in/hiera.yaml" ] || export SLIPWAY_RECORD="$out/lookups"
    export SLIPWAY_COMPILED="$out/compiled"
    if [ -e "$in/facts.json" ]; then
        export SLIPWAY_FACTS="$in/facts.json"
    else
        export SLIPWAY_FOUND="$out/facts.json"
    fi
    # "env ruby" is two words.
    # shellcheck disable=SC2086
    set -- $ruby "$in/puppet.rb" "$@"
else
    set -- "$puppet" "$@"
fi

"$@" "$in/config.pp"
code=$?
case $code in
0 | 2) ;;
*) exit "$code" ;;
esac

[ -e "$in/archive" ] || exit 0

# These files hold every password of the deployment, and no service needs them.
rm -rf /etc/puppet/hieradata /etc/puppet/check-mode/hieradata

cd / || exit 91
set --
for dir in etc root opt var/lib/ironic/tftpboot var/lib/ironic/httpboot var/www \
    var/spool/cron var/lib/nova/.ssh; do
    [ -d "$dir" ] && set -- "$@" "$dir"
done
mkdir "$out/full" && chmod 755 "$out/full" || exit 91
cp -a --parents "$@" "$out/full/" || exit 91
# If these exist, they are mounts from the host.
rm -rf "$out/full/etc/puppetlabs" "$out/full/opt/puppetlabs"
find "$@" -newer "$origin" -not -path 'etc/puppet*' -print0 >"$out/touched" || exit 91
