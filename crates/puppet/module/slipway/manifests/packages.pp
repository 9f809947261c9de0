# Inside a container that only generates configuration, software is the image's
# business, accounts are too, and nothing may be started. Puppet's tags do not
# see to that: a define's title becomes a tag of everything in it, so that
# `oslo::db { 'keystone_config': }` alone lets a package through.
class slipway::packages {
  ['package', 'service', 'user', 'group'].each |String $type| {
    noop_resource($type)
  }
}
