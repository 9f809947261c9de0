# An image to run Puppet in, for tests: Puppet and Debian's modules for the services that are
# generated there, with the directories and accounts that those services' packages would bring. What
# docker-puppet.py expects beside them (rsync, the path of the modules, TripleO's class that keeps
# packages away) is there for the comparison with it.
FROM debian:trixie
RUN apt-get -o APT::Update::Error-Mode=any -o Acquire::Retries=5 update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        puppet-agent rsync cron \
        puppet-module-puppetlabs-stdlib puppet-module-puppetlabs-concat \
        puppet-module-puppetlabs-inifile puppet-module-puppetlabs-cron-core \
        puppet-module-keystone puppet-module-nova puppet-module-neutron \
        puppet-module-puppetlabs-apache puppet-module-puppetlabs-haproxy \
        puppet-module-puppetlabs-mysql puppet-module-puppetlabs-rabbitmq \
        puppet-module-saz-memcached \
 && rm -rf /var/lib/apt/lists/*
RUN for name in keystone nova neutron memcache rabbitmq haproxy; do \
        useradd --system --home-dir "/var/lib/$name" --shell /usr/sbin/nologin "$name" \
        && install -d -o root -g "$name" -m 0750 "/etc/$name" || exit 1; \
    done \
 && install -d /var/www /etc/apache2/mods-available /etc/apache2/mods-enabled \
        /etc/apache2/sites-available /etc/apache2/sites-enabled /etc/apache2/conf.d /etc/mysql/conf.d /usr/share/openstack-puppet \
 && ln -s /usr/share/puppet/modules /usr/share/openstack-puppet/modules \
 && install -d /usr/share/puppet/modules/tripleo/manifests \
 && printf 'class tripleo::packages {\n  Package <| |> { noop => true }\n  Service <| |> { noop => true }\n}\n' \
        >/usr/share/puppet/modules/tripleo/manifests/packages.pp
