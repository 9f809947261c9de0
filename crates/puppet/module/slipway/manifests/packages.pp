# Disables packages, services and accounts in a container that only generates
# configuration: the image provides software and accounts, and nothing may start.
# Tags are not enough: a define's title becomes a tag of all its resources, so
# `oslo::db { 'keystone_config': }` would install a package.
class slipway::packages {
  ['package', 'service', 'user', 'group'].each |String $type| {
    noop_resource($type)
  }
}
